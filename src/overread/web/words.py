"""Words and filters of the pages."""

from __future__ import annotations

import re
from datetime import datetime

from overread.clinic.tables import DeliveryState, Priority, StudyState

LONG_UID = re.compile(r"\d+(?:\.\d+){3,}")
UID_END = 8
STATE_WORDS = {
    StudyState.RECEIVING: "Receiving",
    StudyState.QUEUED: "Queued",
    StudyState.RUNNING: "Analysing",
    StudyState.DELIVERING: "Delivering",
    StudyState.DELIVERED: "Delivered",
    StudyState.SHADOW: "Shadow",
    StudyState.SUPERSEDED: "Superseded",
    StudyState.NO_ROUTE: "No route",
    StudyState.FAILED: "Failed",
}
DELIVERY_WORDS = {
    DeliveryState.WAITING: "Waiting",
    DeliveryState.CONFIRMING: "Confirming",
    DeliveryState.DELIVERED: "Delivered",
    DeliveryState.REFUSED: "Refused",
}
PRIORITY_WORDS = {Priority.URGENT: "Urgent", Priority.NORMAL: "", Priority.LOW: "Low priority"}
MACHINE_PATH = re.compile(r"(?<![\w/.])/(?:[^\s/:;,'\"()]+/)+[^\s:;,'\"()]*")


def moment(text: str) -> str:
    """A time in UTC as the node's local time, to the second."""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S") if text else ""


def day(date: str) -> str:
    """A DA value for reading; as it is where it is none."""
    return f"{date[:4]}-{date[4:6]}-{date[6:]}" if len(date) == 8 and date.isdigit() else date or "no date"


def short_uids(text: str) -> str:
    """A sentence for a narrow column: of every long UID its end, which tells those of one study apart."""
    return LONG_UID.sub(lambda m: m[0] if len(m[0]) <= 3 * UID_END else f"...{m[0][-UID_END:]}", text)


def no_paths(text: str) -> str:
    """A sentence without the folders of this machine: of every absolute path its last part."""
    return MACHINE_PATH.sub(lambda m: m[0].rstrip("/").rsplit("/", 1)[-1], text)


def person(name: str) -> str:
    """A DICOM person name for reading: ``Family, Given`` of its first group (PS3.5 section 6.2.1)."""
    parts = [part.strip() for part in name.split("=")[0].split("^")]
    given = " ".join(part for part in parts[1:3] if part)
    return ", ".join(part for part in (parts[0], given) if part)
