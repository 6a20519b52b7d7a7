"""Finding the first row at which a chain of events no longer holds, and saying how it was broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from overread.ledger.schema import GENESIS, event_hash


class Row(NamedTuple):
    """One row as it lies in the database; after tampering a value can be of any type."""

    seq: Any
    time: Any
    actor: Any
    kind: Any
    payload: Any
    previous: Any
    hash: Any


@dataclass(frozen=True)
class Verification:
    """What ``Ledger.verify`` found.

    ``row`` is the sequence number of the first broken row; ``fault`` is ``altered``, ``removed``,
    ``inserted``, ``reordered``, or ``head`` where the head row itself is gone or doubled; or ``rewritten``
    where a head noted elsewhere is no longer in the chain.
    """

    ok: bool
    events: int
    head: str
    row: int | None = None
    fault: str | None = None
    detail: str = ""

    def __str__(self) -> str:
        if self.ok:
            return f"ok: {self.events} events, head {self.head}"
        return self.detail


def verify_rows(
    rows: Sequence[Row], heads: Sequence[tuple[Any, Any]], known_head: str | None = None
) -> Verification:
    """Check rows in order of ``seq`` against their hashes, their links and the head row(s)."""
    last = rows[-1].hash if rows else GENESIS

    def broken(row: int | None, fault: str, detail: str) -> Verification:
        return Verification(False, len(rows), str(last), row, fault, detail)

    for index in range(len(rows)):
        found = _check(rows, index, heads)
        if found is not None:
            return broken(*found)
    if len(heads) != 1:
        return broken(
            None,
            "head",
            f"the ledger has {len(heads)} head rows, expected one: rows may be missing at the end",
        )
    count, digest = heads[0]
    if count != len(rows):
        if isinstance(count, int) and count > len(rows):
            gone = _span(len(rows) + 1, count)
            return broken(len(rows) + 1, "removed", f"{gone} removed: the head counts {count} events")
        first = count + 1 if isinstance(count, int) and count >= 0 else 1
        return broken(
            first, "inserted", f"{_span(first, len(rows))} inserted: the head counts {count} events"
        )
    if digest != last:
        return broken(
            len(rows) or None, "altered", f"row {len(rows)} was altered: the head holds another hash"
        )
    if known_head is not None and known_head != GENESIS and known_head not in {row.hash for row in rows}:
        return broken(
            None, "rewritten", f"the known head {known_head} is not in the chain: its history was rewritten"
        )
    return Verification(True, len(rows), str(last))


def _check(rows: Sequence[Row], index: int, heads: Sequence[tuple[Any, Any]]) -> tuple[int, str, str] | None:
    """The fault at one row, all rows before it being sound, or None."""
    row, expected = rows[index], index + 1
    before = rows[index - 1].hash if index else GENESIS
    if row.seq != expected:
        if isinstance(row.seq, int) and row.seq > expected:
            return expected, "removed", f"{_span(expected, row.seq - 1)} removed: the next row is {row.seq}"
        return expected, "inserted", f"a row with number {row.seq} was inserted before row {expected}"
    if _fits(row, expected):
        if row.previous == before:
            return None
        return _broken_link(rows, index, heads)
    written_as = _written_as(row, len(rows) + _removed(rows, heads))
    if written_as is None:
        return expected, "altered", f"row {expected} was altered: its content does not match its hash"
    if written_as > expected:
        if any(other.hash != row.hash and _fits(other, expected) for other in rows[index + 1 :]):
            return expected, "reordered", f"row {expected} was reordered: it was written as row {written_as}"
        gone = _span(expected, written_as - 1)
        return (
            expected,
            "removed",
            f"{gone} removed: the row now numbered {expected} was written as row {written_as}",
        )
    if rows[written_as - 1].hash == row.hash:
        return expected, "inserted", f"row {expected} was inserted: it is a copy of row {written_as}"
    return (
        written_as,
        "inserted",
        f"row {written_as} was inserted: the row written as {written_as} is now row {expected}",
    )


def _broken_link(rows: Sequence[Row], index: int, heads: Sequence[tuple[Any, Any]]) -> tuple[int, str, str]:
    """A row that fits its own hash but not the row before: who of the two was changed?"""
    row, number = rows[index], index + 1
    if any(_fits(other, number) for other in rows[index + 1 :]):
        return number, "inserted", f"row {number} was inserted: the row written as {number} comes later"
    sealed_by = (
        rows[index + 1].previous if index + 1 < len(rows) else (heads[0][1] if len(heads) == 1 else None)
    )
    if sealed_by == row.hash and index:
        return number - 1, "altered", f"row {number - 1} was altered: row {number} holds another hash of it"
    return number, "altered", f"row {number} was altered: it does not hold the hash of the row before"


def _fits(row: Row, seq: int) -> bool:
    """Whether the row holds the hash it would have as number ``seq``; a value not of the written type never fits."""
    if not all(isinstance(value, str) for value in row[1:]):
        return False
    try:
        return bool(row.hash == event_hash(seq, row.time, row.actor, row.kind, row.payload, row.previous))
    except UnicodeEncodeError:
        return False


def _written_as(row: Row, highest: int) -> int | None:
    return next((seq for seq in range(1, highest + 1) if _fits(row, seq)), None)


def _removed(rows: Sequence[Row], heads: Sequence[tuple[Any, Any]]) -> int:
    """How many rows the head counts beyond those that are there."""
    counts = [count for count, _ in heads if isinstance(count, int)]
    return max(0, min(max(counts, default=0), 10 * len(rows) + 1000) - len(rows))


def _span(first: int, last: int) -> str:
    return f"row {first} was" if first >= last else f"rows {first} to {last} were"
