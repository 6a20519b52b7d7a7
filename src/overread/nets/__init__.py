"""Network architectures by name, for 2D and 3D."""
