"""`trace`: ask both servers about one tenant's chain, and print what `reconcile.chain` decides."""
