"""The documents that the program writes and reads again: their schemas, and readers of saved ones."""
