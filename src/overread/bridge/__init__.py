"""Models made elsewhere become packages, and packages become what others can run."""
