"""Splits from a hash of the patient alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from overread.cohort.splits.parts import FRACTIONS, SPLITS, split_of
from overread.errors import InputError


def by_patient(
    patients: Iterable[str],
    *,
    fractions: Mapping[str, float] | None = None,
    seed: int = 0,
    current: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The split of every patient, from a hash of identifier and seed (`split_of`).

    Needs no memory: whatever rows come or go, nobody moves. ``current`` still wins, so that splits made
    otherwise are kept.
    """
    known = current or {}
    return {p: known.get(p) or split_of(p, fractions, seed) for p in dict.fromkeys(patients)}


def in_hash_order(names: Iterable[str], seed: int) -> list[str]:
    """``names`` once each, in an order that depends on name and seed alone."""
    return sorted(set(names), key=lambda n: (hashlib.sha256(f"{seed}:order:{n}".encode()).digest(), n))


def shares(fractions: Mapping[str, float] | None) -> dict[str, float]:
    """``fractions`` of `SPLITS`, or the default. Raises InputError unless all are above 0 and sum to 1."""
    found = dict(fractions or FRACTIONS)
    # Written so that NaN does not pass.
    right = set(found) == set(SPLITS) and all(v > 0 for v in found.values())
    if not (right and abs(sum(found.values()) - 1) <= 1e-6):
        raise InputError(
            f"split: found {found}, expected positive shares of {', '.join(SPLITS)} that sum to 1"
        )
    return found
