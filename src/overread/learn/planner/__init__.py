"""Rules from which `overread.learn.make_plan` makes a plan: spacing, patch, network, grey values, epochs."""
