"""The table of cases: reading, splitting, checking, importing, and the virtual cohort."""
