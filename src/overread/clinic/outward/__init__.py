"""Ways out of the node: one kind of destination a file, each a function `send`."""
