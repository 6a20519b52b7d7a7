"""What people decided: about warnings of the check, and where they did otherwise than planned. Each is signed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from overread.commands import command
from overread.errors import InputError, OverreadError
from overread.files import canonical_json, sha256_bytes
from overread.keys.commands import open_person
from overread.keys.meanings import role_for
from overread.keys.ring import Keyring
from overread.ledger.signatures import sign_row, signatures
from overread.parse import parse_json, parse_yaml
from overread.pipeline.protocol import Protocol
from overread.pipeline.protocol_changes import changes
from overread.pipeline.workspace import Workspace, console

DECISION, DEVIATION = "decision", "deviation"
DECISIONS = ("accepted", "rejected")


def decide_command(
    folder: Path, finding: str | None, *, decision: str, reason: str, who: str, passphrase_file: Path | None
) -> None:
    """Record a decision about one finding of the check; without ``finding`` list them, with what was decided.

    Raises
    ------
    InputError
        No such finding, no reason, nobody who signs, or a role that decides nothing.
    """
    space = Workspace.open(folder)
    listed = decisions_of(space)
    if finding is None:
        for number, one in enumerate(listed, 1):
            made = one["decision"]
            state = (
                f"{made['decision']} by {made['name']}: {made['reason']}" if made else "nobody has decided"
            )
            console.print(
                f"{number}. {one['code']}: {one['message']}\n   {state}", highlight=False, markup=False
            )
        return
    if decision not in DECISIONS:
        raise InputError(f"--decision: found {decision!r}, expected one of {', '.join(DECISIONS)}")
    if not reason.strip() or not who:
        raise InputError("decide: say why (--reason) and who decides (--as)")
    one = _chosen(listed, finding, folder)
    person = open_person(who, passphrase_file)
    role_for(person.card, "decided")
    payload = {k: one[k] for k in ("finding", "code", "message", "severity")}
    event = space.ledger.append(
        DECISION,
        payload
        | {"decision": decision, "reason": reason, "check_row": space.record_of("check")["ledger"]["seq"]},
    )
    signed = sign_row(space.ledger, event.seq, person, meaning="decided", comment=f"{decision}: {reason}")
    console.print(f"  {one['code']}: {signed}", highlight=False, markup=False)


def decisions_of(space: Workspace) -> list[dict[str, Any]]:
    """The check's findings that ask for a decision, each with the last signed one about it, or None.

    ``finding`` is the first 12 hexadecimal digits of the finding's hash: another check that finds the same keeps it.
    """
    path = space.folder / "check.json"
    if not path.is_file():
        raise InputError(f"{path}: no such file; run {command('check', space.folder)} first")
    content = parse_json(path.read_bytes(), str(path))
    made = _made(space)
    out = []
    for one in content.get("findings", ()):
        if one.get("severity") not in ("warning", "blocking"):
            continue
        digest = sha256_bytes(canonical_json(one).encode())[:12]
        out.append(
            {"finding": digest, "decision": made.get(digest)}
            | {k: one[k] for k in ("code", "severity", "message")}
        )
    return out


def deviations_of(space: Workspace) -> list[dict[str, Any]]:
    """Every signed deviation, oldest first: when, who, why, and what the protocol then said otherwise than the lock."""
    signed = _signers(space, "deviated")
    return [
        {"row": e.seq, "time": e.time, **signed[e.seq], **e.data}
        for e in space.ledger.events(DEVIATION)
        if e.seq in signed
    ]


def deviate_command(folder: Path, *, reason: str, who: str, passphrase_file: Path | None) -> None:
    """Append a signed deviation with what protocol.yaml says now otherwise than at the lock.

    Raises
    ------
    InputError
        Nothing was locked, no reason, or nobody who signs.
    """
    space = Workspace.open(folder)
    locked = space.record_of("lock")
    if not reason.strip():
        raise InputError("deviate: say what was done otherwise, and why (--reason)")
    person = open_person(who, passphrase_file)
    role_for(person.card, "deviated")
    found = _since_lock(space, str(locked["result"]["protocol_file_sha256"]))
    event = space.ledger.append(
        DEVIATION, {"reason": reason, "lock_row": locked["ledger"]["seq"], "changes": found}
    )
    signed = sign_row(space.ledger, event.seq, person, meaning="deviated", comment=reason)
    console.print(f"  {signed}", highlight=False, markup=False)
    for change in found:
        console.print(f"    protocol.yaml, since the lock: {change}", highlight=False, markup=False)


def _since_lock(space: Workspace, digest: str) -> list[str]:
    kept = space.folder / "artefacts" / digest[:2] / digest
    try:
        then = Protocol.model_validate(parse_yaml(kept.read_text(encoding="utf-8"), str(kept)))
    except (OSError, ValueError, OverreadError) as error:
        raise InputError(f"{kept}: the locked protocol cannot be read; restore it from a backup") from error
    return changes(then.model_dump(mode="json"), space.protocol.model_dump(mode="json"))


def _made(space: Workspace) -> dict[str, dict[str, Any]]:
    """Signed decisions by finding, the last of each."""
    signed = _signers(space, "decided")
    rows = [e for e in space.ledger.events(DECISION) if e.seq in signed]
    return {
        str(e.data["finding"]): {"row": e.seq, **signed[e.seq]}
        | {k: e.data[k] for k in ("decision", "reason")}
        for e in rows
    }


def _signers(space: Workspace, meaning: str) -> dict[int, Mapping[str, str]]:
    """Name, role and time of who signed ``meaning``, by the number of the signed row.

    Signatures that do not hold, or that the keyring speaks against, count for nothing; of a key that it does not know
    the name is followed by what that is worth.
    """
    cards = Keyring().cards()
    out: dict[int, Mapping[str, str]] = {}
    for one in signatures(space.ledger.events(), cards):
        if one.meaning != meaning or one.fault or (one.standing and one.key in cards):
            continue
        name = one.name if not one.standing else f"{one.name} (key {one.key}, not in this keyring)"
        out[one.row] = {"name": name, "role": one.role, "time": one.time}
    return out


def _chosen(listed: list[dict[str, Any]], finding: str, folder: Path) -> dict[str, Any]:
    found = [o for n, o in enumerate(listed, 1) if finding in (str(n), o["code"], o["finding"])]
    if len(found) != 1:
        raise InputError(
            f"{finding}: {len(found)} warnings of the check are that; {command('decide', '--dir', folder)} numbers them"
        )
    return found[0]
