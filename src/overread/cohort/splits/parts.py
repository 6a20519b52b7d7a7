"""Which split a patient belongs to: by hash, so that adding rows moves nobody."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

SPLITS = ("train", "val", "test")
FRACTIONS: Mapping[str, float] = {"train": 0.7, "val": 0.1, "test": 0.2}


def split_of(patient: str, fractions: Mapping[str, float] | None = None, seed: int = 0) -> str:
    """The split of a patient, from a hash of identifier and seed alone.

    A patient keeps the split whatever other rows come or go; the shares are met in expectation.
    """
    fractions = fractions or FRACTIONS
    u = int.from_bytes(hashlib.sha256(f"{seed}:{patient}".encode()).digest()[:8], "big") / 2**64
    edge = 0.0
    for name in SPLITS:
        edge += fractions[name]
        if u < edge:
            return name
    return SPLITS[-1]
