"""Grey values and colour."""
