"""What the node's database keeps, a table a file."""
