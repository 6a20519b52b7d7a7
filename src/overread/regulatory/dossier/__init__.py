"""The dossier: documents for a submission, written from evidence."""
