"""What an association can ask for besides C-ECHO and C-STORE: one row for each further service."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from overread.clinic.receive.dimse import CommandSet
from overread.clinic.receive.negotiate import Agreed


@dataclass(frozen=True)
class Caller:
    """Who is at the other end of an association. ``name`` is unlike that of any other association."""

    name: str
    title: str
    address: str
    encrypted: bool = False
    certificate: str = ""


@dataclass(frozen=True)
class Reply:
    """One response: its status, a comment, and the data set that goes with it, encoded in the agreed syntax."""

    status: int
    comment: str = ""
    data: bytes | None = None


@dataclass(frozen=True)
class Service:
    """A service by abstract syntax; ``name`` is what a row of ``receive.peers`` allows.

    ``answer`` gets the request, its data set and its context, and gives the responses in order; ``afterwards`` gives
    what we ourselves ask for on the same association once it is answered: pairs of command set and data set.
    """

    name: str
    commands: frozenset[int]
    answer: Callable[[CommandSet, bytes, Agreed, Caller], Iterator[Reply]]
    afterwards: Callable[[CommandSet, bytes, Agreed, Caller], Iterator[tuple[bytes, bytes]]] = field(
        default=lambda *_: iter(())
    )


Services = Mapping[str, Service]


class Door(Protocol):
    """Another way by which instances come, beside associations with us as the acceptor."""

    def arriving(self) -> frozenset[str]:
        """Studies of which instances are coming in just now."""
        ...

    def certificate_warnings(self) -> list[str]:
        """One line for each of its certificates that has ended or ends soon."""
        ...

    def shutdown(self, drain_seconds: float) -> None:
        """Take nothing new, let what is coming end, and then end it."""
        ...
