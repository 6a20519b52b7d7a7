"""What evidence says about a topic: sentences, what they stand on, and what is still lacking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["filled", "partly", "missing"]


@dataclass(frozen=True)
class Ref:
    """A piece of evidence: ``what`` it is in words, and where ``overread trace`` or the ledger finds it."""

    what: str
    trace: str

    def __str__(self) -> str:
        return f"{self.what} [{self.trace}]"


@dataclass(frozen=True)
class Found:
    """``said``: sentences for a reader. ``on``: the evidence under them. ``lacking``: what a person must add; empty
    where the evidence answers the question whole. ``by``: who stated it; empty for evidence alone."""

    said: tuple[str, ...] = ()
    on: tuple[Ref, ...] = ()
    lacking: str = ""
    by: str = ""

    @property
    def state(self) -> State:
        """Answered whole, in part or not at all."""
        if not self.said:
            return "missing"
        return "partly" if self.lacking else "filled"


def together(states: list[State]) -> State:
    """The state of several topics that one item asks for."""
    if all(s == "filled" for s in states):
        return "filled"
    return "missing" if all(s == "missing" for s in states) else "partly"
