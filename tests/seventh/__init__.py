"""A task that is made up for a test: which of a mask's labels covers most of the picture."""
