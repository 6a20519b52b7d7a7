"""From what the training cases look like and how long training may take to a Plan: `make_plan.make_plan`."""
