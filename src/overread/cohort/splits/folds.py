"""Folds of cross-validation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from overread.cohort.splits.allocate import allocate
from overread.cohort.splits.site import whole_groups
from overread.errors import InputError


def folds(
    patients: Iterable[str],
    k: int,
    *,
    strata: Mapping[str, str] | None = None,
    sites: Mapping[str, Iterable[str]] | None = None,
    seed: int = 0,
    current: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """The fold 0 to k - 1 of every patient, of equal size to within two patients, in each stratum likewise.

    With ``sites`` (per patient the sites seen at) whole sites go to one fold instead, the largest first.
    ``current`` is kept, as in `stratified`.

    Raises InputError for k < 2, fewer patients (or sites) than folds, or a current fold outside 0 to k - 1.
    """
    everyone = list(dict.fromkeys(patients))
    if k < 2:
        raise InputError(f"folds: found {k}, expected 2 or more")
    wrong = [f for f in (current or {}).values() if not 0 <= f < k]
    if wrong:
        raise InputError(
            f"fold: found {wrong[0]}, expected 0 to {k - 1}; keep the number of folds or start anew"
        )
    equal = {str(n): 1 / k for n in range(k)}
    kept = {p: str(f) for p, f in (current or {}).items()}
    if sites is None:
        if len(everyone) < k:
            raise InputError(f"folds: {len(everyone)} patients for {k} folds; expected one or more for each")
        found = allocate(everyone, equal, strata or {}, seed, kept)
    else:
        found = whole_groups(everyone, sites, equal, seed, kept)
    return {p: int(f) for p, f in found.items()}
