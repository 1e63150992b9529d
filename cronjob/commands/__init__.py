"""One module or package per command; only here do GitLab, Kubernetes, settings and output meet."""
