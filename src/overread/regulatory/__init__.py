"""Paperwork as a view of the evidence: checklists, dossier, change plan, qualification, reports of events."""
