"""Anchors: the head of a ledger noted where who rewrites the ledger cannot reach, and what it says later.

An anchor is a small JSON file, to be mailed, printed or kept by somebody else; an authority can stamp it with its time
(RFC 3161). The chain up to its head cannot be rewritten unnoticed by anybody who has the anchor.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from overread.errors import InputError
from overread.files import canonical_json
from overread.ledger.ledger import Event
from overread.parse import parse_json

FORMAT = "overread.anchor 1"


def anchor_of(events: Sequence[Event]) -> dict[str, Any]:
    """The anchor of a chain as it is now. Raises InputError for an empty one."""
    if not events:
        raise InputError("the ledger has no row yet; there is nothing to anchor")
    return {
        "format": FORMAT,
        "first": events[0].hash,
        "rows": len(events),
        "head": events[-1].hash,
        "written": events[-1].time,
        "noted": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def anchor_text(anchor: dict[str, Any]) -> str:
    """The anchor's file: one line of canonical JSON, which is what a time stamp is of."""
    return canonical_json(anchor) + "\n"


def anchor_mail(anchor: dict[str, Any], where: str) -> str:
    """The same for a mail or a notebook."""
    return (
        f"Anchor of the ledger {where}\n"
        f"rows {anchor['rows']}, last written {anchor['written'][:19]} UTC, noted {anchor['noted'][:19]} UTC\n"
        f"head {anchor['head']}\n"
        "Keep this away from the machine that holds the ledger. Later: overread ledger verify LEDGER --head HEAD\n"
    )


def read_anchor(path: Path) -> dict[str, Any]:
    """An anchor's file. Raises InputError."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected an anchor as `overread ledger anchor` writes it")
    content = parse_json(path.read_bytes(), str(path))
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path}: is no anchor; expected a file that `overread ledger anchor` wrote")
    return content


def fault_of(anchor: dict[str, Any], events: Sequence[Event], name: str) -> str:
    """What the anchor says against the chain; empty where the chain holds all that it anchors."""
    when, count = str(anchor["noted"])[:16].replace("T", " "), int(anchor["rows"])
    if events and events[0].hash != anchor["first"]:
        return f"{name}: is of another ledger, whose first row is {str(anchor['first'])[:12]}"
    if len(events) < count:
        return (
            f"{name}: had {count} rows when it was noted ({when} UTC), the ledger has {len(events)}: an older copy "
            "was put in its place"
        )
    if events[count - 1].hash != anchor["head"]:
        return (
            f"{name}: row {count} was another one when it was noted ({when} UTC): the history was rewritten"
        )
    return ""
