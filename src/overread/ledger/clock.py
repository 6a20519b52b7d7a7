"""Whether the clock ran forwards: rows are written one after the other, so that their times should never fall."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from overread.ledger.ledger import Event

SLACK_SECONDS = 60.0
"""By so much the clocks of hosts that share a ledger may differ, and a clock may be set right."""


def set_back(events: Sequence[Event]) -> list[str]:
    """A sentence for each row whose time is before that of an earlier row by more than `SLACK_SECONDS`."""
    found, latest, by = [], None, 0
    for event in events:
        try:
            now = datetime.fromisoformat(event.time)
        except ValueError:
            found.append(f"row {event.seq}: its time {event.time!r} is none")
            continue
        if latest is not None and (latest - now).total_seconds() > SLACK_SECONDS:
            found.append(
                f"row {event.seq} ({event.kind}) bears the time {_shown(now)}, though row {by} before it bears "
                f"{_shown(latest)}: the clock was set back"
            )
        if latest is None or now > latest:
            latest, by = now, event.seq
    return found


def _shown(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"
