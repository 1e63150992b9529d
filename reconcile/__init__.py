"""The decision: what to create, update and delete, and why. Standard library only, no I/O."""
