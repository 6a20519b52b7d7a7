"""Drafts of reports of adverse events."""
