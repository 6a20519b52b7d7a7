"""The machine's own list of openings: a test that was opened in another folder is not opened for the first time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from overread.errors import OverreadError
from overread.keys.ring import state_folder
from overread.ledger.ledger import Ledger

KIND = "test.opened"
COMPARED = "comparison.opened"
"""A look at test patients for a comparison, a change or an acceptance test: it shows how packages do on them, too."""


@dataclass(frozen=True)
class Registered:
    """How often a test's images were opened ``before``, in any folder of this user; ``fault`` where nobody can say."""

    before: int
    fault: str = ""


def register_file() -> Path:
    """``openings.db`` in this user's state folder, see `overread.keys.ring.state_folder`."""
    return state_folder() / "openings.db"


def register(content: str, *, chain_head: str) -> Registered:
    """Add an opening of the test with ``content`` to the list, and say how many there were before.

    ``chain_head`` is the hash of the opening's own row. A list that cannot be written stops no test: the fault is told.
    """
    try:
        ledger = Ledger.open(register_file())
        before = sum(e.data.get("content") == content for e in ledger.events(KIND))
        ledger.append(KIND, {"content": content, "row": chain_head})
    except (OverreadError, OSError) as error:
        return Registered(0, str(error))
    return Registered(before)
