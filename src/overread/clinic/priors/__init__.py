"""Earlier studies of the same patient, for packages and readers to compare with."""
