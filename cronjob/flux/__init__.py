"""Reads Flux's objects and their Secrets from Kubernetes."""
