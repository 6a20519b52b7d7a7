"""Pretrained weights: which there are, where they come from, and what must be said of them."""
