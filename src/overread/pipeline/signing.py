"""Signatures of a protocol: of its lock, of reviews and approvals, and which of them a step waits for."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from overread.commands import command
from overread.errors import InputError
from overread.keys.commands import open_person
from overread.keys.ring import Keyring, Person
from overread.ledger.ledger import Event
from overread.ledger.signatures import Signed, own_approval, sign_row, signatures
from overread.pipeline.workspace import STAGES, Workspace, console

LOCKED = "locked"


def sign_command(
    folder: Path, row: str, *, meaning: str, who: str, comment: str, passphrase_file: Path | None
) -> None:
    """Sign a row, or the last row of a stage, and print what was signed. Raises InputError as `sign_row`."""
    space = Workspace.open(folder)
    target = _row(space, row)
    if meaning == LOCKED:
        raise InputError(f"--meaning: a lock is signed by {command('lock', folder, '--sign', who)} itself")
    signed = sign_row(
        space.ledger, target, open_person(who, passphrase_file), meaning=meaning, comment=comment
    )
    console.print(f"  {signed}", highlight=False, markup=False)


def _row(space: Workspace, text: str) -> int:
    if text.isdigit():
        return int(text)
    rows = space.ledger.events(f"pipeline.{text}")
    if not rows:
        raise InputError(
            f"{space.folder}: {text!r} is no number of a row and no stage that ran; expected one of {', '.join(STAGES)}"
        )
    return rows[-1].seq


def sign_lock(space: Workspace, person: Person, locked: dict[str, Any]) -> Signed:
    """Sign the last lock's row and, in words of their own, the hashes that it fixed.

    Raises InputError for a role that may not, or another than the protocol asks for.
    """
    row = space.ledger.events("pipeline.lock")[-1]
    fixed = ("protocol_sha256", "package_sha256", "code_sha256", "sealed_test_sha256", "seal_root")
    what = {k: locked[k] for k in fixed}
    wanted = space.protocol.signatures.lock
    return sign_row(space.ledger, row.seq, person, meaning=LOCKED, role=wanted, also=what)


def signatures_of(space: Workspace, events: list[Event] | None = None) -> list[dict[str, Any]]:
    """Every signature of a protocol, for its report: see `Signed`."""
    found = signatures(space.ledger.events() if events is None else events, Keyring().cards())
    return [asdict(s) | {"text": str(s)} for s in found]


def check_signed(space: Workspace) -> None:
    """Raise InputError where the test must not be opened yet: signatures that the protocol asks for are not there."""
    wanted = space.protocol.signatures
    events = space.ledger.events()
    row = next((e.seq for e in reversed(events) if e.kind == "pipeline.lock"), None)
    mine = [
        s for s in signatures(events, Keyring().cards()) if s.row == row and not s.fault and not s.standing
    ]
    for meaning, role, how in (
        (LOCKED, wanted.lock, command("lock", space.folder, "--sign", "NAME")),
        ("approved", wanted.approval, command("sign", "lock", "--meaning", "approved", "--as", "NAME")),
    ):
        given = [s for s in mine if s.meaning == meaning and s.role == role]
        if meaning == "approved":
            given = [s for s in given if not own_approval(s, mine)]
        if role is not None and not given:
            raise InputError(
                f"{space.folder}: protocol.yaml asks that the lock (row {row}) is {meaning} by {role}, and no such "
                f"signature of a key in this keyring is there; {how}"
            )
