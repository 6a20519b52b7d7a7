"""Signatures in a ledger: rows of kind ``signature``, each bound to the hash of the row that it signs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from overread.errors import InputError
from overread.keys.card import Card, Role
from overread.keys.meanings import role_for
from overread.keys.ring import Person
from overread.keys.signature import Signature, sign, standing
from overread.ledger.clock import SLACK_SECONDS
from overread.ledger.ledger import Event, Ledger

KIND = "signature"


@dataclass(frozen=True)
class Signed:
    """One signature of a ledger: in row ``seq``, of row ``row``.

    ``fault`` says why it does not hold; ``standing`` what this machine's keyring says of who signed, empty where it
    knows the key.
    """

    seq: int
    row: int
    kind: str
    name: str
    role: str
    meaning: str
    time: str
    comment: str
    key: str
    fault: str = ""
    standing: str = ""

    def __str__(self) -> str:
        when = self.time[:16].replace("T", " ")
        said = f": {self.comment}" if self.comment else ""
        return f"row {self.row} ({self.kind}) {self.meaning} by {self.name}, {self.role}, {when} UTC{said}"


def sign_row(
    ledger: Ledger,
    row: int,
    person: Person,
    *,
    meaning: str,
    comment: str = "",
    role: Role | None = None,
    also: Mapping[str, Any] | None = None,
) -> Signed:
    """Add a person's signature of row number ``row``; ``also`` is what the signed text says besides.

    Raises
    ------
    InputError
        No such row, a role that may not sign so, or somebody reviewing or approving what they locked themselves.
    """
    events = ledger.events()
    target = next((e for e in events if e.seq == row), None)
    if target is None:
        raise InputError(f"{ledger.url}: has no row {row}, only 1 to {len(events)}")
    given = role_for(person.card, meaning, wanted=role)
    earlier = [s for s in signatures(events, {}) if s.row == row and not s.fault]
    if meaning in ("reviewed", "approved") and any(
        _same_person(s, person.card.id, person.card.name) for s in earlier if s.meaning == "locked"
    ):
        raise InputError(
            f"row {row}: {person.card.name} locked it; another person must say that it was {meaning}"
        )
    what = {"row": row, "row_hash": target.hash, **(also or {})}
    signature = sign(person, meaning=meaning, what=what, role=given, comment=comment)
    event = ledger.append(KIND, {"row": row, "signature": signature.as_dict()}, actor=None)
    return _read(event, {e.seq: e for e in events}, {person.card.id: person.card})


def _same_person(signed: Signed, key: str, name: str) -> bool:
    """Whether a signature is of this key, or of another key of the same name."""
    return key == signed.key or name.casefold() == signed.name.casefold()


def own_approval(signed: Signed, others: Iterable[Signed]) -> bool:
    """Whether who gave ``signed`` also locked the row, so that it is nobody else's word."""
    return any(
        _same_person(signed, o.key, o.name) for o in others if o.meaning == "locked" and o.row == signed.row
    )


def signatures(events: Iterable[Event], known: Mapping[str, Card]) -> list[Signed]:
    """Every signature among ``events``, oldest first, checked against the row that it signs and ``known`` cards."""
    rows = {e.seq: e for e in events}
    return [_read(e, rows, known) for e in rows.values() if e.kind == KIND]


def _apart(stated: Any, added: str) -> str | None:
    """When a signature was added whose text states another time; None where the two agree.

    A key that was revoked could else sign into the time before that.
    """
    try:
        signed, now = datetime.fromisoformat(str(stated)), datetime.fromisoformat(added)
        return None if abs((now - signed).total_seconds()) <= SLACK_SECONDS else added[:19]
    except (ValueError, TypeError):
        return added[:19]


def _read(event: Event, rows: Mapping[int, Event], known: Mapping[str, Card]) -> Signed:
    signature = Signature.of(event.data.get("signature"))
    if signature is None:
        return Signed(event.seq, 0, "", "", "", "", event.time, "", "", "holds no signature")
    fault = signature.fault()
    try:
        said = signature.said
    except ValueError:
        said = {}
    row = said.get("row")
    target = rows.get(row) if isinstance(row, int) else None
    if not fault and (target is None or target.seq > event.seq or said.get("row_hash") != target.hash):
        fault = f"is not of row {row} as it is in this ledger"
    if not fault and (apart := _apart(said.get("time"), event.time)) is not None:
        fault = f"says {said.get('time')}, and was added {apart}: its time was not that of a clock"
    text = {k: str(said.get(k, "")) for k in ("name", "role", "meaning", "time", "comment", "key")}
    return Signed(
        event.seq,
        row if isinstance(row, int) else 0,
        target.kind if target else "",
        **text,
        fault=fault,
        standing="" if fault else standing(signature, known),
    )
