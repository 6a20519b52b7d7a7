"""Images: reading, geometry, intensity. NumPy only."""
