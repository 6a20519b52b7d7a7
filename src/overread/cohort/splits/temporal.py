"""Splits by time: trained on the past, tested on what came after."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import NoReturn

from overread.cohort.splits.parts import SPLITS
from overread.cohort.splits.patient import shares
from overread.errors import InputError


def temporal(
    last: Mapping[str, float],
    *,
    cuts: Sequence[float] | None = None,
    fractions: Mapping[str, float] | None = None,
    current: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The split of every patient by the time of the last examination (``last``, any unit of time).

    Train takes patients last seen up to the first cut, val up to the second, test the later ones, so that no
    training image is newer than the first cut. A patient is not torn: earlier visits of a test patient are in
    the test, too. ``cuts`` are two times; without them they are where ``current`` has them, and without that
    where ``fractions`` of the patients lie; patients of one time stay together.

    ``current`` is kept: nobody moves. A training patient who is seen again after the cut would have to move, or
    would bring a newer image into training: that is refused.

    Raises InputError for fewer than three times, cuts in the wrong order or that leave a split empty, and for
    such a patient.
    """
    had = {p: s for p, s in (current or {}).items() if s and p in last}
    first, second = _cuts(last, had, fractions) if cuts is None else _given(cuts)
    out = {p: SPLITS[int(t > first) + int(t > second)] for p, t in last.items()}
    for p, split in had.items():
        if SPLITS.index(out[p]) > SPLITS.index(split):
            _refuse(p, split)
        out[p] = split
    empty = [s for s in SPLITS if s not in out.values()]
    if empty:
        raise InputError(f"date: no patient was last seen in the time of {empty[0]}; choose other cuts")
    return out


def _given(cuts: Sequence[float]) -> tuple[float, float]:
    if len(cuts) != 2 or not cuts[0] < cuts[1]:
        raise InputError(f"cut: found {list(cuts)}, expected two times, the earlier first")
    return cuts[0], cuts[1]


def _cuts(
    last: Mapping[str, float], had: Mapping[str, str], fractions: Mapping[str, float] | None
) -> tuple[float, float]:
    train, val = ([last[p] for p, s in had.items() if s == split] for split in SPLITS[:2])
    if train and val:
        ends = max(train), max(val)
        for split, end in zip(SPLITS[:2], ends, strict=True):
            later = min(
                (last[p] for p, s in had.items() if SPLITS.index(s) > SPLITS.index(split)), default=math.inf
            )
            if end >= later:
                _refuse(next(p for p, s in had.items() if s == split and last[p] == end), split)
        return ends
    share = shares(fractions)
    times = sorted(last.values())
    distinct = sorted(set(times))
    if len(distinct) < 3:
        raise InputError(f"date: found {len(distinct)} different times, expected three or more")

    def nearest(part: float, least: int, most: int) -> int:
        """Index of the distinct time up to which the share of patients is nearest to ``part``."""
        away = [abs(bisect_right(times, d) / len(times) - part) for d in distinct[least:most]]
        return least + away.index(min(away))

    a = nearest(share["train"], 0, len(distinct) - 2)
    b = nearest(share["train"] + share["val"], a + 1, len(distinct) - 1)
    return distinct[a], distinct[b]


def _refuse(patient: str, split: str) -> NoReturn:
    raise InputError(
        f"date: patient {patient!r} is in {split} and was seen when a later split had begun; leave the later rows "
        "out, or start anew"
    )
