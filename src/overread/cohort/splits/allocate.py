"""Dealing patients to parts so that every stratum, and all of them together, keep to the shares."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from overread.cohort.splits.patient import in_hash_order


def allocate(
    patients: Iterable[str],
    shares: Mapping[str, float],
    strata: Mapping[str, str],
    seed: int,
    current: Mapping[str, str],
) -> dict[str, str]:
    """Part of every patient. Those in ``current`` stay; each other goes to the part that is most short of cases.

    Short is counted in the patient's stratum and in all together, so that many small strata do not all round
    the same way. A stratum with at least as many patients as parts reaches every part. The first patients of
    small strata come last: they can go where the large ones left room.
    """
    everyone = list(dict.fromkeys(patients))
    out = {p: current[p] for p in everyone if current.get(p)}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    overall: Counter[str] = Counter(out.values())
    for p, part in out.items():
        counts[strata.get(p, "")][part] += 1
    waiting: dict[str, list[str]] = defaultdict(list)
    for p in in_hash_order((p for p in everyone if p not in out), seed):
        waiting[strata.get(p, "")].append(p)
    for stratum in sorted(waiting, key=lambda s: (-len(waiting[s]), s)):
        here, new = counts[stratum], waiting[stratum]
        for n, p in enumerate(new):
            part = _shortest(shares, here, overall, left=len(new) - n)
            out[p] = part
            here[part] += 1
            overall[part] += 1
    return {p: out[p] for p in everyone}


def _shortest(shares: Mapping[str, float], here: Counter[str], overall: Counter[str], left: int) -> str:
    """The part that lacks most, when one of ``left`` patients of a stratum (``here``) is to be placed."""
    empty = [part for part in shares if not here[part]]
    # The last patients of a stratum go where there is none of it yet, if there are enough of them for all parts.
    enough = sum(here.values()) + left >= len(shares)
    choice = empty if empty and enough and len(empty) >= left else list(shares)
    dealt = here.total() + overall.total() + 2
    return max(choice, key=lambda part: shares[part] * dealt - here[part] - overall[part])
