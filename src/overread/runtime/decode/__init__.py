"""From a detection network's dense outputs to boxes. NumPy only, 2D and 3D alike."""
