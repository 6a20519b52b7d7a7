"""What of UPS-RS is served: the pages' door registers these, and the conformance statement lists them."""

from __future__ import annotations

from typing import NamedTuple

BASE = "/dicom-web"


class Transaction(NamedTuple):
    """One transaction: its name and section in PS3.18, method and path under `BASE`."""

    name: str
    section: str
    method: str
    path: str


SEARCH = Transaction("Search for Workitems", "11.9", "GET", "/workitems")
RETRIEVE = Transaction("Retrieve Workitem", "11.5", "GET", "/workitems/{uid}")
CHANGE = Transaction("Change Workitem State", "11.7", "PUT", "/workitems/{uid}/state")
CANCEL = Transaction("Request Workitem Cancellation", "11.8", "POST", "/workitems/{uid}/cancelrequest")
TRANSACTIONS = (SEARCH, RETRIEVE, CHANGE, CANCEL)
KEYS = (
    "ProcedureStepState",
    "ScheduledProcedureStepPriority",
    "PatientID",
    "PatientName",
    "StudyInstanceUID",
    "AccessionNumber",
    "ScheduledProcedureStepStartDateTime",
    "ProcedureStepLabel",
    "WorklistLabel",
)
"""Attributes that a search may match."""
