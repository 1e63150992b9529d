"""One tenant's chain, from its GitRepository to what is applied: which link is broken, and what mends it."""
