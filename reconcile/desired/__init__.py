"""Desired state: which deploy keys and webhooks Flux's objects ask for."""
