"""A predetermined change control plan, and whether a new package lies inside it."""
