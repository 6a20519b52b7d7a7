"""Facts about regulation, risk and threats, as data."""
