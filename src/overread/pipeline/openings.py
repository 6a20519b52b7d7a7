"""Which patients a test has shown already: who was opened once is no patient to train on unnoticed.

The ledger's event ``pipeline.opened`` holds a hash of every test patient's identifier, so that another split or seed,
which makes yesterday's test patients today's training, is seen.
"""

from __future__ import annotations

from collections.abc import Iterable

from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.commands import command
from overread.errors import InputError
from overread.files import sha256_bytes
from overread.ledger.ledger import Ledger
from overread.ledger.register import COMPARED
from overread.pipeline.workspace import Workspace

EVENT = "pipeline.opened"
PATIENTS = "patients"
DIGITS = 16
"""Of a SHA-256 in hexadecimal: among a million patients two agree once in 40 million."""


def identities(cases: Iterable[Case]) -> list[str]:
    """A hash of every patient of ``cases``, sorted: what the ledger keeps instead of identifiers."""
    return sorted({sha256_bytes(c.patient.encode())[:DIGITS] for c in cases})


def looks_before(ledger: Ledger) -> int:
    """How often test patients were looked at so far: by the test itself, and for comparisons."""
    return len(ledger.events(EVENT)) + len(ledger.events(COMPARED))


def opened(ledger: Ledger) -> frozenset[str]:
    """The hashes of all patients that any test of this ledger has shown."""
    return frozenset(p for event in ledger.events(EVENT) for p in event.data.get(PATIENTS, ()))


def opened_in_training(space: Workspace, cohort: Cohort) -> int:
    """How many training or tuning patients a test of this folder has shown before."""
    known = opened(space.ledger)
    return len(known.intersection(identities([*cohort.split("train"), *cohort.split("val")])))


def refuse_opened(space: Workspace, cohort: Cohort) -> None:
    """Raise InputError where training would use patients that were opened, unless the protocol says so."""
    n = opened_in_training(space, cohort)
    if n and not space.protocol.reuse_opened:
        raise InputError(
            f"{space.folder}: {n} training or tuning patients were test patients of an earlier opening, so that "
            "choices made after it have seen them; give them back to the test (column split), begin in a new folder, "
            f"or set reuse_opened: true in protocol.yaml, which the report then says; then run "
            f"{command('plan', space.folder)}"
        )
