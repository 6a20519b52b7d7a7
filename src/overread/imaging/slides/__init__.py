"""Whole slide images: levels, regions, tissue and tiles."""
