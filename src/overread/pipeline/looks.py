"""How often a test has been looked at, and what that makes of its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from overread.errors import OverreadError
from overread.ledger.ledger import Event
from overread.parse import parse_yaml
from overread.pipeline.protocol import Protocol
from overread.pipeline.protocol_changes import changes
from overread.pipeline.workspace import Workspace


@dataclass(frozen=True)
class Looks:
    """``openings`` of the test so far, this one among them; ``elsewhere``: those in other folders of this user.

    ``glanced``: test patients that `overread predict` answered before.
    ``unlisted`` says why openings elsewhere could not be counted.
    """

    openings: int
    elsewhere: int = 0
    unlisted: str = ""
    glanced: int = 0

    def exploratory(self, lock: Mapping[str, Any]) -> list[str]:
        """Why no number of this test confirms anything, a sentence each; empty for a first look after the lock."""
        found = []
        if self.openings > 1:
            other = f", {self.elsewhere} of them in other folders" if self.elsewhere else ""
            found.append(f"The test patients were opened {self.openings} times{other}.")
        before = int(lock.get("openings_before", 0))
        if before:
            found.append("Protocol and package were locked after the test had been opened.")
        if self.glanced:
            patients = "patient was" if self.glanced == 1 else "patients were"
            found.append(f"{self.glanced} test {patients} answered by overread predict before the test.")
        if lock.get("opened_in_training"):
            found.append("Patients of an earlier test took part in training.")
        return found


GOAL = ("metric", "label", "goal", "judged_on")
"""What a goal is; what else stands beside it (who proposed it, what was expected) changes no verdict."""


def other_goals(openings: Sequence[Event], goals: Sequence[Mapping[str, Any]]) -> list[list[dict[str, Any]]]:
    """The goals of earlier openings that were others than ``goals``."""
    now = [[g.get(k) for k in GOAL] for g in goals]
    earlier = [e.data["goals"] for e in openings if e.data.get("goals") is not None]
    return [before for before in earlier if [[g.get(k) for k in GOAL] for g in before] != now]


def since_earlier(space: Workspace, openings: Sequence[Event]) -> list[str]:
    """What the protocol says otherwise than at earlier openings, with their times; each change once."""
    now = space.protocol.model_dump(mode="json")
    said: dict[str, None] = {}
    for event in openings:
        digest = str(event.data.get("protocol_file", ""))
        kept = space.folder / "artefacts" / digest[:2] / digest
        if not digest or not kept.is_file():
            continue
        since = f"since the opening of {event.time[:19].replace('T', ' ')} UTC"
        try:
            then = Protocol.model_validate(parse_yaml(kept.read_text(encoding="utf-8"), str(kept)))
        except (ValueError, OverreadError):
            said.setdefault(f"{since}: what it said then cannot be read by this version ({kept})")
            continue
        for change in changes(then.model_dump(mode="json"), now):
            said.setdefault(f"{since}: {change}")
    return list(said)
