"""When is a study complete? DICOM has no message that says so: a rule per source decides, with a pure function.

Times are seconds of any one clock that does not jump (`time.monotonic`).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from overread.clinic.config_parts import Complete


@dataclass(frozen=True)
class Arrival:
    """A study that is coming in: when its first and its latest instance came, and from whom.

    ``released``: when an association that brought any was released in order, after its latest instance.
    """

    study: str
    first: float
    last: float
    sender: str
    released: float | None = None
    told: bool = False


@dataclass(frozen=True)
class Content:
    """What of a study is here: instances, how many its images say there are, and its Series Descriptions."""

    instances: int
    expected: int | None = None
    descriptions: tuple[str, ...] = ()

    @classmethod
    def of(cls, instances: int, seen: Mapping[str, Any]) -> Content:
        """From what `overread.clinic.look.look` found."""
        return cls(instances, seen["expected"], tuple(s["description"] for s in seen["series"]))


@dataclass(frozen=True)
class Verdict:
    """Whether a study is complete, and a note where it is answered although something that was expected is not here."""

    complete: bool
    note: str = ""


WAIT = Verdict(False)


def decide(
    rule: Complete,
    arrival: Arrival,
    *,
    now: float,
    quiet: float,
    arriving: bool,
    content: Callable[[], Content],
) -> Verdict:
    """Whether a study is complete by ``rule``.

    Parameters
    ----------
    quiet
        Seconds without an instance after which a study is complete where nothing else says so.
    arriving
        Whether an association is open that has brought instances of it: then nothing is complete.
    content
        Gives what is here; asked only by rules that need it.
    """
    if arriving:
        return WAIT
    silent = now - arrival.last
    match rule.when:
        case "quiet":
            return Verdict(silent >= quiet)
        case "association":
            released = arrival.released is not None and now - arrival.released >= rule.grace_seconds
            return Verdict((released and silent >= rule.grace_seconds) or silent >= quiet)
        case "count" | "series":
            if silent < rule.grace_seconds:
                return WAIT
            there = content()
            missing = _missing(rule, there)
            if missing is None:
                return Verdict(silent >= quiet)
            if not missing:
                return Verdict(True)
            if silent < rule.longest_seconds:
                return WAIT
            return Verdict(True, f"answered although not complete: {missing}")


def _missing(rule: Complete, there: Content) -> str | None:
    """What is not here; empty where all is, None where nothing says what should be."""
    if rule.when == "series":
        absent = [p for p in rule.series if not any(re.search(p, d[:256]) for d in there.descriptions)]
        return f"no series like {', '.join(map(repr, absent))}" if absent else ""
    expected = rule.instances or there.expected
    if expected is None:
        return None
    return "" if there.instances >= expected else f"{there.instances} of {expected} instances are here"


@dataclass
class Arrivals:
    """Studies that are coming in; safe to share between threads."""

    clock: Callable[[], float] = time.monotonic
    _known: dict[str, Arrival] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def stored(self, study: str, sender: str) -> None:
        """An instance is safe."""
        now = self.clock()
        with self._lock:
            old = self._known.get(study)
            self._known[study] = Arrival(
                study, old.first if old else now, now, sender or (old.sender if old else "")
            )

    def released(self, calling: str, studies: Iterable[str]) -> None:
        """An association that brought instances of these studies was released in order."""
        now = self.clock()
        with self._lock:
            for study in studies:
                if study in self._known:
                    self._known[study] = replace(self._known[study], released=now)

    def told(self, arrival: Arrival) -> None:
        """The database knows of it, unless a newer instance has come."""
        with self._lock:
            if self._known.get(arrival.study) is arrival:
                self._known[arrival.study] = replace(arrival, told=True)

    def done(self, arrival: Arrival) -> None:
        """It is complete, unless another instance came meanwhile: then it is taken up once more."""
        with self._lock:
            known = self._known.get(arrival.study)
            if known is not None and known.last == arrival.last:
                del self._known[arrival.study]

    def all(self) -> list[Arrival]:
        """As it is now."""
        with self._lock:
            return list(self._known.values())

    def __contains__(self, study: object) -> bool:
        with self._lock:
            return study in self._known
