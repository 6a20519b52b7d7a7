"""What a client may do with a workitem (PS3.18 sections 11.7 and 11.8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from overread.clinic.records.workitems import Workitems
from overread.clinic.spool import safe_uid
from overread.clinic.ups.workitem import ENDED, LONGEST_REASON, NEXT
from overread.clinic.workitem_rows import StepState

STATE, TRANSACTION, REASON = "00741000", "00081195", "00741238"


@dataclass(frozen=True)
class Said:
    """Status of an answer, and what its Warning header says. ``changed``: to what a workitem has been changed."""

    status: int
    warning: str = ""
    changed: StepState | None = None


def change(items: Workitems, uid: str, body: Any, performer: str) -> Said:
    """Claim, complete or cancel, as the body of a request says: an object in the DICOM JSON model, or a list of one."""
    try:
        attributes = body[0] if isinstance(body, list) else body
        wanted = StepState(_value(attributes, STATE))
        transaction = safe_uid(_value(attributes, TRANSACTION))
    except (ValueError, IndexError, TypeError, AttributeError):
        return Said(400, "The Transaction UID is missing, or the Procedure Step State is none.")
    item = items.workitem(uid)
    if item is None:
        return Said(404, "There is no such workitem.")
    if wanted == item.state and wanted in ENDED:
        return Said(200, f"The UPS is already in the requested state of {wanted.value}.")
    if item.state == StepState.IN_PROGRESS and wanted in ENDED and transaction != item.transaction:
        return Said(400, "The Transaction UID is incorrect.")
    claim = {"transaction": transaction, "performer": performer} if wanted == StepState.IN_PROGRESS else {}
    if wanted not in NEXT[item.state] or not items.change_workitem(uid, item.state, wanted, **claim):
        return Said(409, "The submitted request is inconsistent with the current state of the UPS Instance.")
    return Said(200, changed=wanted)


def request_cancel(items: Workitems, uid: str, body: Any) -> Said:
    """End one that nobody has claimed; who has claimed one is the only one to end it."""
    item = items.workitem(uid)
    if item is None:
        return Said(404, "There is no such workitem.")
    if item.state == StepState.CANCELED:
        return Said(409, "The UPS is already in the requested state of CANCELED.")
    try:
        attributes = (body[0] if isinstance(body, list) else body) or {}
        reason = _value(attributes, REASON) if REASON in attributes else ""
    except (ValueError, IndexError, TypeError, AttributeError):
        return Said(400, "The request's body is no object of the DICOM JSON model.")
    if item.state != StepState.SCHEDULED or not items.change_workitem(
        uid, StepState.SCHEDULED, StepState.CANCELED, reason=reason[:LONGEST_REASON]
    ):
        return Said(409, f"The UPS is {item.state.value.lower()}: its performer alone can end it.")
    return Said(202, changed=StepState.CANCELED)


def _value(attributes: Mapping[str, Any], tag: str) -> str:
    value = attributes[tag]["Value"][0] if tag in attributes else ""
    if not isinstance(value, str):
        raise ValueError(f"{tag}: expected a text")
    return value
