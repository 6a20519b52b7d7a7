"""Processes that do what a hostile or broken study could do harm with; the node outlives each of them."""
