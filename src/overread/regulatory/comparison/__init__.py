"""Two packages or runs on the same cases."""
