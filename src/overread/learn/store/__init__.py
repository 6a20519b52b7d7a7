"""Prepared cases on disk, shared by trainings: see docs/howto/large-data.md."""
