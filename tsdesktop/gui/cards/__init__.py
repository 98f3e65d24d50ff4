"""Graphics cards in the window: torch for them offered, fetched, tried and removed."""
