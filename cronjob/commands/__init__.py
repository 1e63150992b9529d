"""The commands, one module or package each. Only this room uses GitLab, Kubernetes, settings and output together."""
