"""The documents that the program writes: their JSON Schemas, and readers of saved ones."""
