"""From a figure in a report back to metric, rows, package, plan, training, files, code, seeds and people."""
