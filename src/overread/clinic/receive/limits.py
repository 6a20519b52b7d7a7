"""How much of the node one address may take, so that what it holds is never missing to the others.

Of IPv6 a /64 network counts as one address: it is the least that a site is given (RFC 6177), and whoever has it may
call from any of its 2**64 addresses.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

IPV6_BLOCK_BITS = 64


def block_of(address: str) -> str:
    """What counts as one address: an IPv4 address, also one mapped into IPv6, or the /64 network of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, IPV6_BLOCK_BITS), strict=False))


class Holding(NamedTuple):
    """A connection, whose it is, and since when it has shown no progress (monotonic seconds)."""

    key: int
    address: str
    since: float


def gives_way(holdings: Iterable[Holding], newcomer: str) -> int | None:
    """Which connection is closed for a newcomer where all places are taken: the stillest of the address with most.

    None where the newcomer's own address would have most: then it is the newcomer that goes.
    """
    there = [(block_of(h.address), h) for h in holdings]
    counts = Counter(block for block, _ in there)
    if not counts:
        return None
    most = max(counts.values())
    if counts[block_of(newcomer)] + 1 >= most:
        return None
    return min((h for block, h in there if counts[block] == most), key=lambda h: h.since).key


class Associations:
    """Counts of associations or connections, in all and for each address (`block_of`)."""

    def __init__(self, *, total: int, per_address: int | None = None) -> None:
        self.total = total
        self.per_address = per_address if per_address is not None else max(1, (total + 1) // 2)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def enter(self, address: str) -> bool:
        """Take a place; False where there is none for this address."""
        with self._lock:
            block = block_of(address)
            if self._counts.total() >= self.total or self._counts[block] >= self.per_address:
                return False
            self._counts[block] += 1
            return True

    def leave(self, address: str) -> None:
        """Give the place back."""
        with self._lock:
            block = block_of(address)
            self._counts[block] -= 1
            if self._counts[block] <= 0:
                del self._counts[block]

    def held(self, address: str) -> int:
        """Places that this address has."""
        with self._lock:
            return self._counts[block_of(address)]

    def full(self) -> bool:
        """Whether no address at all gets a place."""
        with self._lock:
            return self._counts.total() >= self.total

    def counts(self) -> Mapping[str, int]:
        """Places taken by `block_of` address."""
        with self._lock:
            return dict(self._counts)
