"""The machine's own memory of how far its ledgers had come: an older copy put in a ledger's place is found by it.

The list is a ledger, too, in the user's state folder, outside of the folders whose ledgers it remembers. It names these
by the hash of their first row, and their places by the hash of the path.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from overread.errors import OverreadError
from overread.files import sha256_bytes
from overread.keys.ring import state_folder
from overread.ledger.ledger import Event, Ledger

KIND = "ledger.head"


def heads_file() -> Path:
    """``heads.db`` in this user's state folder."""
    return state_folder() / "heads.db"


def remember(place: Path, first: str, event: Event) -> None:
    """Note that the ledger in ``place``, whose first row has the hash ``first``, has come to ``event``.

    A list that cannot be written stops nothing: it is a help to the person, and no condition.
    """
    try:
        Ledger.open(heads_file()).append(
            KIND, {"place": _place(place), "first": first, "row": event.seq, "hash": event.hash}
        )
    except (OverreadError, OSError):
        return


def forgotten(place: Path, events: Sequence[Event]) -> str:
    """What this machine remembers of the ledger in ``place`` that ``events`` lack; empty where nothing is lost."""
    known, lost = {e.seq: e.hash for e in events}, None
    for note in _notes(place):
        if (
            events
            and note.data["first"] == events[0].hash
            and known.get(int(note.data["row"])) != note.data["hash"]
        ):
            lost = note
    if lost is None:
        return ""
    row = int(lost.data["row"])
    ends = f"ends at row {len(events)}" if row > len(events) else f"holds another row {row}"
    return (
        f"on {_when(lost)} this machine saw row {row} of this ledger, and the ledger {ends}: an older copy was put in "
        "its place, or its rows were written anew"
    )


def replaced(place: Path, events: Sequence[Event]) -> str:
    """That another ledger lay in ``place`` before; empty where none did."""
    others = [n for n in _notes(place) if events and n.data["first"] != events[0].hash]
    if not others:
        return ""
    return f"until {_when(others[-1])} another ledger of {others[-1].data['row']} rows or more lay here"


def _notes(place: Path) -> list[Event]:
    if not heads_file().is_file():
        return []
    here = _place(place)
    return [n for n in Ledger.open(heads_file(), create=False).events(KIND) if n.data["place"] == here]


def _place(place: Path) -> str:
    return sha256_bytes(str(place.resolve()).encode())[:16]


def _when(note: Event) -> str:
    return f"{note.time[:16].replace('T', ' ')} UTC"
