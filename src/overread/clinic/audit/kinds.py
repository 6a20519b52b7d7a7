"""Which audit event each kind of event in the chain of evidence is.

Source: PS3.15 A.5.3 and PS3.16 CID 400 (Audit Event ID), CID 401 (Audit Event Type Code).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Code: TypeAlias = tuple[str, str]

APPLICATION_ACTIVITY: Code = ("110100", "Application Activity")
INSTANCES_ACCESSED: Code = ("110103", "DICOM Instances Accessed")
INSTANCES_TRANSFERRED: Code = ("110104", "DICOM Instances Transferred")
STUDY_DELETED: Code = ("110105", "DICOM Study Deleted")
EXPORT: Code = ("110106", "Export")
SECURITY_ALERT: Code = ("110113", "Security Alert")
USER_AUTHENTICATION: Code = ("110114", "User Authentication")

SUCCESS, MINOR, SERIOUS = 0, 4, 8
"""Event Outcome Indicator (RFC 3881 section 5.1.4)."""


@dataclass(frozen=True)
class Kind:
    """Event ID, type where it has one, action (Create, Read, Update, Delete, Execute) and outcome."""

    event: Code
    action: Literal["C", "R", "U", "D", "E"]
    type: Code | None = None
    outcome: int = SUCCESS


KINDS: dict[str, Kind] = {
    "clinic.started": Kind(APPLICATION_ACTIVITY, "E", ("110120", "Application Start")),
    "clinic.stopped": Kind(APPLICATION_ACTIVITY, "E", ("110121", "Application Stop")),
    "clinic.configured": Kind(SECURITY_ALERT, "E", ("110131", "Software Configuration")),
    "clinic.received": Kind(INSTANCES_TRANSFERRED, "C"),
    "clinic.complete": Kind(INSTANCES_ACCESSED, "R"),
    "clinic.priors": Kind(INSTANCES_TRANSFERRED, "C"),
    "clinic.predicted": Kind(INSTANCES_ACCESSED, "R"),
    "clinic.failed": Kind(INSTANCES_ACCESSED, "R", outcome=SERIOUS),
    "clinic.delivered": Kind(INSTANCES_TRANSFERRED, "R"),
    "clinic.refused": Kind(INSTANCES_TRANSFERRED, "R", outcome=SERIOUS),
    "clinic.rejected": Kind(SECURITY_ALERT, "E", ("110126", "Node Authentication"), MINOR),
    "clinic.notified": Kind(EXPORT, "R"),
    "clinic.deleted": Kind(STUDY_DELETED, "D"),
    "clinic.feedback": Kind(INSTANCES_ACCESSED, "U"),
    "clinic.workitem": Kind(INSTANCES_ACCESSED, "U"),
    "clinic.operated": Kind(SECURITY_ALERT, "E", ("110132", "Use of Restricted Function")),
    "clinic.given_up": Kind(SECURITY_ALERT, "E", ("110132", "Use of Restricted Function"), SERIOUS),
    "web.asked": Kind(SECURITY_ALERT, "E", ("110132", "Use of Restricted Function")),
    "web.viewed": Kind(INSTANCES_ACCESSED, "R"),
    "web.login": Kind(USER_AUTHENTICATION, "E", ("110122", "Login")),
    "web.logout": Kind(USER_AUTHENTICATION, "E", ("110123", "Logout")),
    "web.login_failed": Kind(USER_AUTHENTICATION, "E", ("110122", "Login"), MINOR),
    "web.password_changed": Kind(SECURITY_ALERT, "E", ("110137", "User security Attributes Changed")),
    "web.user_changed": Kind(SECURITY_ALERT, "E", ("110136", "Security Roles Changed")),
}
OTHER = Kind(APPLICATION_ACTIVITY, "E")
"""Kinds that have no audit event of their own are told as activity of the application, under their name."""
