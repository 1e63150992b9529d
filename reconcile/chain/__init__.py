"""The links of one tenant's chain and their verdict: pure, like the plan (what `trace` decides)."""
