"""The checks of a cohort, one idea per file; each is a function from what was seen to findings."""
