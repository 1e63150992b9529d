"""An embedded GitLab and an embedded Kubernetes over real HTTP on loopback. Imports nothing from the rest."""
