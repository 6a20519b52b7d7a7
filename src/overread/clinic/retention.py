"""What is removed, and when: only studies whose every result has arrived, oldest first, never anything else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from overread.clinic.config_parts import Disk
from overread.clinic.tables import StudyRow, StudyState

GIBIBYTE = 2**30
# A study that no route takes has nothing that could be lost; one that failed is for a person to look at.
DONE = (StudyState.DELIVERED, StudyState.SHADOW, StudyState.SUPERSEDED, StudyState.NO_ROUTE)
log = logging.getLogger(__name__)


def removable(studies: Sequence[StudyRow]) -> list[StudyRow]:
    """Studies with nothing undelivered and nothing that a person has yet to see, longest here first."""
    done = [s for s in studies if s.state in DONE and all(r.state in DONE for r in s.runs)]
    return sorted(done, key=lambda s: (s.last_received, s.study_uid))


def overdue(studies: Sequence[StudyRow], disk: Disk, now: datetime) -> list[StudyRow]:
    """Those that are older than they are kept."""
    if disk.keep_days is None:
        return []
    last = now - timedelta(days=disk.keep_days)
    return [s for s in removable(studies) if datetime.fromisoformat(s.last_received) < last]


def clean(
    studies: Sequence[StudyRow],
    disk: Disk,
    now: datetime,
    *,
    free: Callable[[], int],
    remove: Callable[[str], object],
) -> list[str]:
    """Remove what is overdue, then the oldest until ``disk.clean_gib`` are free; UIDs of what was removed."""
    gone: list[str] = []
    wanted = disk.clean_gib * GIBIBYTE
    late = {s.study_uid for s in overdue(studies, disk, now)}
    for study in removable(studies):
        if study.study_uid not in late and free() >= wanted:
            break
        try:
            remove(study.study_uid)
        except Exception as error:
            # Busy again, or a disk at fault: the next round sees.
            log.warning("study %s is not removed (%s)", study.study_uid, type(error).__name__)
            continue
        gone.append(study.study_uid)
    return gone
