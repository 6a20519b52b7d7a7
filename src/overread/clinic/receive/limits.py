"""How much of the node one address may take, so that what it holds is never missing to the others."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Holding(NamedTuple):
    """A connection, whose it is, and since when it has shown no progress (monotonic seconds)."""

    key: int
    address: str
    since: float


def gives_way(holdings: Iterable[Holding], newcomer: str) -> int | None:
    """Which connection is closed for a newcomer where all places are taken: the stillest of the address with most.

    None where the newcomer's own address would have most: then it is the newcomer that goes.
    """
    there = list(holdings)
    counts = Counter(h.address for h in there)
    if not counts:
        return None
    most = max(counts.values())
    if counts[newcomer] + 1 >= most:
        return None
    return min((h for h in there if counts[h.address] == most), key=lambda h: h.since).key


class Associations:
    """Counts of associations, in all and for each address."""

    def __init__(self, *, total: int, per_address: int | None = None) -> None:
        self.total = total
        self.per_address = per_address if per_address is not None else max(1, (total + 1) // 2)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def enter(self, address: str) -> bool:
        """Take a place; False where there is none for this address."""
        with self._lock:
            if self._counts.total() >= self.total or self._counts[address] >= self.per_address:
                return False
            self._counts[address] += 1
            return True

    def leave(self, address: str) -> None:
        """Give the place back."""
        with self._lock:
            self._counts[address] -= 1
            if self._counts[address] <= 0:
                del self._counts[address]

    def full(self) -> bool:
        """Whether no address at all gets a place."""
        with self._lock:
            return self._counts.total() >= self.total

    def counts(self) -> Mapping[str, int]:
        """Places taken by address."""
        with self._lock:
            return dict(self._counts)
