"""Who is next: the earliest deadline, so that what is urgent goes first and nothing waits for ever."""

from __future__ import annotations

from overread.clinic.tables import Priority

PATIENCE_SECONDS = {Priority.URGENT: 0, Priority.NORMAL: 15 * 60, Priority.LOW: 2 * 3600}
"""A study may wait so long for those that came after it. The earliest deadline goes first, so that none starves."""
DEADLINES_FROM = 1_735_689_600


def deadline(priority: Priority, now: float) -> int:
    """When work that is asked for ``now`` (seconds since 1970) should be done; the earliest goes first."""
    return max(1, int(now) - DEADLINES_FROM + PATIENCE_SECONDS[priority])
