"""The embedded Kubernetes API server, with state."""
