"""Reporting checklists, filled from evidence."""
