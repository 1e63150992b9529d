"""The embedded GitLab: its REST API over HTTP, with state."""
