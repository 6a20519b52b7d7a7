"""What readers say of a result: accepted, rejected or corrected, with a reason (after IHE AIRAI).

Structured, so that a watch over performance can count it, and kept beside its run; the chain of evidence holds who
said what of which run, and the hash of the words.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Column, Integer, String, Table, Text, insert, select

from overread.clinic.records.store import Store, now
from overread.clinic.tables import metadata
from overread.errors import InputError

LONGEST_TEXT = 2000


class Verdict(StrEnum):
    """What a reader thinks of a result."""

    ACCEPT = "accept"
    REJECT = "reject"
    CORRECT = "correct"


REASONS = {
    "false_positive": "Found what is not there",
    "false_negative": "Missed what is there",
    "wrong_place": "Wrong place or extent",
    "wrong_measure": "Wrong measurement",
    "poor_image": "Image not fit for it",
    "other": "Other",
}
"""Codes and words of why a result is not accepted."""

feedback_table = Table(
    "feedback",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run", String, nullable=False, index=True),
    Column("study_uid", String, nullable=False),
    Column("package_sha256", String, nullable=False),
    Column("user", String, nullable=False),
    Column("made", String, nullable=False),
    Column("verdict", String, nullable=False),
    Column("reason", String, nullable=False, default=""),
    Column("label", Text, nullable=False, default=""),
    Column("correction", Text, nullable=False, default=""),
    Column("comment", Text, nullable=False, default=""),
)


@dataclass(frozen=True)
class Feedback:
    """One opinion on one run. ``label``: which finding it is about; ``correction``: what is true instead."""

    run: str
    study_uid: str
    package_sha256: str
    user: str
    verdict: Verdict
    reason: str = ""
    label: str = ""
    correction: str = ""
    comment: str = ""
    made: str = ""
    id: int = 0

    def check(self) -> None:
        """Raises InputError for a rejection without a reason, a correction without words, words that are too long."""
        if self.verdict is not Verdict.ACCEPT and self.reason not in REASONS:
            raise InputError(f"reason: found {self.reason[:40]!r}, expected one of {', '.join(REASONS)}")
        if self.verdict is Verdict.CORRECT and not self.correction.strip():
            raise InputError("correction: is empty; say what is true instead")
        for name in ("label", "correction", "comment"):
            if len(getattr(self, name)) > LONGEST_TEXT:
                raise InputError(f"{name}: is longer than {LONGEST_TEXT} characters")


class FeedbackStore(Store):
    """The table of feedback."""

    def say(self, feedback: Feedback) -> int:
        """Keep an opinion; its number. Raises InputError as `Feedback.check`."""
        feedback.check()
        values = {k: v for k, v in vars(feedback).items() if k not in ("id", "made")}
        with self._write() as c:
            made = c.execute(insert(feedback_table).values(made=now(), **values))
            return int(made.inserted_primary_key[0])  # type: ignore[index]

    def feedback(self, run: str | None = None, *, limit: int = 200, offset: int = 0) -> list[Feedback]:
        """The latest first, of one run or of all."""
        query = select(feedback_table).order_by(feedback_table.c.id.desc()).limit(limit).offset(offset)
        if run is not None:
            query = query.where(feedback_table.c.run == run)
        with self._read() as c:
            return [
                Feedback(**{**row, "verdict": Verdict(row["verdict"])}) for row in c.execute(query).mappings()
            ]
