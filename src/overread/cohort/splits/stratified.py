"""Splits in which every class has its share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from overread.cohort.splits.allocate import allocate
from overread.cohort.splits.patient import shares


def stratified(
    patients: Iterable[str],
    strata: Mapping[str, str],
    *,
    fractions: Mapping[str, float] | None = None,
    seed: int = 0,
    current: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The split of every patient, such that each stratum (class) is divided by ``fractions``.

    Every stratum is within two patients of its shares when all are dealt at once, and one of three patients or
    more reaches all splits. ``current``, the splits that patients have, is kept: rows can be added and nobody
    moves. Without it shares are exact again and some patients move, for exact shares and no memory cannot both
    be had. The order of rows does not matter.
    """
    return allocate(patients, shares(fractions), strata, seed, current or {})
