"""Reads and writes the projects of one GitLab group over its REST API."""
