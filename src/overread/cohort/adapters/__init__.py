"""From data in a known layout to a cohort folder."""
