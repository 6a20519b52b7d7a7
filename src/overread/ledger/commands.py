"""`overread ledger verify` and `overread ledger show`."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from overread.commands import command
from overread.errors import InputError, OverreadError
from overread.keys.ring import Keyring
from overread.ledger.clock import set_back
from overread.ledger.files import changed_files
from overread.ledger.heads import forgotten, replaced
from overread.ledger.ledger import Ledger
from overread.ledger.signatures import signatures

LEDGER_FILE = "ledger.db"
HASH = re.compile(r"[0-9a-f]{64}")
HEAD = re.compile(r"[0-9a-f]{12,64}")
WORD = re.compile(r"[\w.:/+-]+")


def verify_command(where: str, *, head: str | None = None) -> None:
    """Recompute the chain of a protocol folder, a ledger file or a database URL, and print one line.

    ``head`` is one that was noted elsewhere, whole or its first 12 digits or more. Of a folder the files that the
    newest events name by hash are compared, too, and what this machine remembers of the ledger there. Signatures are
    checked, and whether times only go forwards.

    Raises
    ------
    OverreadError
        The chain is broken; the message names the first broken row and how it was broken. Or a recorded file is not
        what it was, a signature does not hold, the clock was set back, or an older copy lies in the ledger's place.
    InputError
        There is no ledger, or ``head`` is no hash.
    """
    ledger = open_existing(where)
    result = ledger.verify(_whole(head, ledger) if head else None)
    if not result.ok:
        raise OverreadError(f"{where}: {result.detail}")
    events = ledger.events()
    faults = set_back(events)
    if "://" not in where and Path(where).is_dir():
        faults += changed_files(Path(where), events)
        faults += [text for text in [forgotten(Path(where), events)] if text]
        if before := replaced(Path(where), events):
            print(f"note: {before}")
    for one in signatures(events, Keyring().cards()):
        if one.fault:
            faults.append(
                f"row {one.seq}: the signature of {one.name or 'somebody'} does not hold: {one.fault}"
            )
        else:
            print(f"signed: {one}" + (f" ({one.standing})" if one.standing else ""))
    if faults:
        raise OverreadError("\n".join([f"{where}: the chain holds, but not all that it tells of:", *faults]))
    print(result)


def _whole(head: str, ledger: Ledger) -> str:
    """The hash that ``head`` stands for; one that no row has stays as it is."""
    if not HEAD.fullmatch(head.lower()):
        raise InputError(
            f"--head: found {head!r}, expected 12 to 64 hexadecimal digits, as verify prints them"
        )
    return next((e.hash for e in ledger.events() if e.hash.startswith(head.lower())), head.lower())


def show_command(where: str, json_lines: bool = False) -> None:
    """Print the events, oldest first, one line each: number, UTC time, who, what and the payload in short.

    Lines are cut to the terminal's width. With ``json_lines`` each is a whole event as one JSON object.
    """
    events = open_existing(where).events()
    if json_lines:
        for event in events:
            print(json.dumps({**asdict(event), "payload": event.data}, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    rows = [(str(e.seq), e.time[:19] + "Z", _brief(e.actor), _brief(e.kind), _short(e.data)) for e in events]
    number, _, actor, kind, _ = (
        (max(map(len, column)) for column in zip(*rows, strict=True)) if rows else [0] * 5
    )
    for seq, time, who, what, payload in rows:
        line = Text(f"{seq:>{number}}  {time}  {who:<{actor}}  {what:<{kind}}  {payload}".rstrip())
        line.truncate(console.width, overflow="ellipsis")
        console.print(line, soft_wrap=True)


def _short(payload: dict[str, Any]) -> str:
    return " ".join(f"{_brief(key)}={_brief(value)}" for key, value in payload.items())


def _brief(value: Any) -> str:
    """A plain word as it is, a SHA-256 by its beginning, all else as JSON, which holds no line break."""
    if isinstance(value, str) and HASH.fullmatch(value):
        return value[:12]
    if isinstance(value, str) and WORD.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=not str(value).isprintable())


def open_existing(where: str) -> Ledger:
    """The ledger of a protocol folder (its ``ledger.db``), of a file or at a URL; or InputError."""
    if "://" not in where and Path(where).is_dir():
        file = Path(where) / LEDGER_FILE
        if not file.is_file():
            raise InputError(
                f"{where}: no {LEDGER_FILE} in this folder; run a stage first, such as {command('check', where)}"
            )
        return Ledger.open(file, create=False)
    return Ledger.open(where, create=False)
