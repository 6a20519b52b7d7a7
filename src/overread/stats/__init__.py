"""Every number and its interval: pure functions of arrays."""
