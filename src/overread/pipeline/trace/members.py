"""What a figure was computed of: a part of the report leads to files, rows of them, and stages of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.cohort.groups import cuts_of, groups_of
from overread.cohort.splits.parts import SPLITS
from overread.ledger.figures import named
from overread.pipeline.protocol import Protocol

Kind = Literal["answers", "tuning", "training", "cases", "protocol", "stages"]
FROM: dict[str, Kind] = {
    "protocol": "protocol",
    "operating_points": "tuning",
    "uncertainty": "tuning",
    "history": "training",
    "training": "training",
    "plan": "training",
    "limits": "training",
    "check": "cases",
    "cases": "cases",
    "table_one": "cases",
    "seconds": "stages",
    "predicted": "stages",
    "openings": "stages",
    "opened_in_training": "stages",
}
"""What the sections of a report rest on; all others on the answers to the test cases."""
STAGES: dict[Kind, tuple[str, ...]] = {
    "answers": ("check", "plan", "train", "package", "lock", "opened", "test"),
    "tuning": ("check", "plan", "train", "package"),
    "training": ("check", "plan", "train"),
    "cases": ("check",),
    "protocol": ("init",),
    "stages": ("init", "check", "plan", "train", "package", "lock", "opened", "test", "explain"),
}
"""Stages of the ledger on the way to a figure, first to last."""
_PARTS: dict[Kind, tuple[str, ...]] = {
    "answers": ("test",),
    "tuning": ("val",),
    "training": ("train",),
    "cases": SPLITS,
    "protocol": (),
    "stages": (),
}


CLASS = "class"
"""What `overread.evaluate.subgroups` calls the truth where it counts who was answered."""


@dataclass(frozen=True)
class Members:
    """``kind`` of the figure, the ``cases`` it was computed of, in which words they were chosen, and the ``group``."""

    kind: Kind
    cases: tuple[Case, ...]
    chosen: str
    group: str | None = None


def key_of(figure: str, protocol: Protocol) -> tuple[str, ...]:
    """What `members` goes by: figures with the same key were computed of the same cases."""
    section, *rest = map(named, figure.split("/"))
    kind = FROM.get(section, "answers")
    if kind == "cases":
        return kind, *[name for name in rest if name in SPLITS][:1]
    return kind, *(rest[:2] if _of_group(section, rest, protocol) else ())


def members(figure: str, cohort: Cohort, protocol: Protocol) -> Members:
    """The cases that the figure with this id was computed of."""
    section, *rest = map(named, figure.split("/"))
    kind = FROM.get(section, "answers")
    parts = _PARTS[kind]
    of = [name for name in rest if name in parts]
    if kind == "cases" and of:
        parts = tuple(of[:1])
    cases = tuple(c for c in cohort if c.split in parts)
    said = " and ".join({"train": "training", "val": "tuning", "test": "test"}[p] for p in parts)
    chosen = f"all {said} cases" if parts else "no cases"
    return _group(section, rest, cohort, protocol, Members(kind, cases, chosen))


def _of_group(section: str, rest: Sequence[str], protocol: Protocol) -> bool:
    """Whether a figure names a subgroup, or what a gap between them is of; or how many of a class were answered."""
    if len(rest) < 2:
        return False
    return (section in ("subgroups", "answered_by") and rest[0] in protocol.subgroups) or (
        section == "answered_by" and rest[0] == CLASS
    )


def _group(section: str, rest: Sequence[str], cohort: Cohort, protocol: Protocol, whole: Members) -> Members:
    """Of a figure about a subgroup, those of its cases alone; of a gap, of all groups."""
    if not _of_group(section, rest, protocol):
        return whole
    attribute = rest[0]
    if attribute == CLASS and attribute not in protocol.subgroups:
        of_class = tuple(c for c in whole.cases if str(c.label) == rest[1])
        # Of findings, masks and boxes the table alone does not tell.
        if not of_class:
            return whole
        return Members(whole.kind, of_class, f"the test cases of the class {rest[1]}", rest[1])
    known = [c for c in cohort if c.split != "test"]
    cuts = cuts_of(known, protocol.subgroups, protocol.bands).get(attribute)
    groups = groups_of([c.attributes.get(attribute, "") for c in whole.cases], cuts)
    if rest[1] not in groups:
        return whole
    cases = tuple(whole.cases[i] for i in groups[rest[1]])
    return Members(whole.kind, cases, f"the test cases whose {attribute} is {rest[1]}", rest[1])
