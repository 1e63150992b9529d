"""The Kubernetes API: client, errors, Events and the Lease."""
