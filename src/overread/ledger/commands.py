"""`overread ledger verify`, `show`, `export` and `anchor`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from overread.commands import command
from overread.errors import InputError, OverreadError
from overread.files import atomic_path, write_text
from overread.keys.ring import Keyring
from overread.ledger.anchor import anchor_mail, anchor_of, anchor_text, fault_of, read_anchor
from overread.ledger.clock import set_back
from overread.ledger.export import export
from overread.ledger.files import changed_files, changed_images
from overread.ledger.heads import forgotten, replaced
from overread.ledger.ledger import Event, Ledger
from overread.ledger.signatures import signatures
from overread.ledger.timestamp import ask, beside, request_of, stamped

LEDGER_FILE = "ledger.db"
HASH = re.compile(r"[0-9a-f]{64}")
HEAD = re.compile(r"[0-9a-f]{12,64}")
WORD = re.compile(r"[\w.:/+-]+")


def verify_command(
    where: str, *, head: str | None = None, anchors: Sequence[Path] = (), authority: Path | None = None
) -> None:
    """Recompute the chain of a protocol folder, a ledger file or a database URL, and print one line.

    ``head`` is one that was noted elsewhere, whole or its first 12 digits or more. Of a folder the files that the
    newest events name by hash are compared, images and masks among them, and what this machine remembers of the ledger
    there. Signatures are checked, and whether times only go forwards. ``anchors`` are files of `anchor_command`, whose
    time stamps are checked with the certificates in ``authority`` (PEM).

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
    faults = [*set_back(events), *_anchored(anchors, authority, events)]
    if "://" not in where and Path(where).is_dir():
        faults += [*changed_files(Path(where), events), *changed_images(Path(where), events)]
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


def export_command(where: str, out: Path) -> None:
    """Write a ledger as files that need no overread. Raises OverreadError where the chain is broken."""
    ledger = open_existing(where)
    result = ledger.verify()
    if not result.ok:
        raise OverreadError(f"{where}: {result.detail}; nothing was written")
    for path in export(ledger.events(), out):
        print(path)


def anchor_command(where: str, out: Path, *, url: str | None = None, request: bool = False) -> None:
    """Write an anchor of the head to ``out`` and print it for a mail; have it stamped at ``url``, or write the request.

    Raises
    ------
    OverreadError
        The chain is broken, so that nothing is anchored; or the authority did not reply.
    """
    ledger = open_existing(where)
    result = ledger.verify()
    if not result.ok:
        raise OverreadError(f"{where}: {result.detail}; nothing was anchored")
    anchor = anchor_of(ledger.events())
    write_text(out, anchor_text(anchor))
    print(anchor_mail(anchor, where), end="")
    if url is None and not request:
        return
    data = out.read_bytes()
    query = request_of(data)
    with atomic_path(beside(out, "tsq")) as temporary:
        temporary.write_bytes(query)
    if url is not None:
        reply = ask(url, query)
        with atomic_path(beside(out, "tsr")) as temporary:
            temporary.write_bytes(reply)
        print(
            f"{beside(out, 'tsr')}: reply of {url}; verify it with the authority's certificate (--authority)"
        )


def _anchored(anchors: Sequence[Path], authority: Path | None, events: Sequence[Event]) -> list[str]:
    """What anchors, and the time stamps beside them, say against the chain."""
    faults = []
    for path in anchors:
        fault = fault_of(read_anchor(path), events, str(path))
        reply = beside(path, "tsr")
        if fault:
            faults.append(fault)
        elif not reply.is_file() or authority is None:
            print(
                f"anchored: {path}"
                + (f" ({reply} was not checked: name --authority)" if reply.is_file() else "")
            )
        else:
            when = stamped(reply.read_bytes(), path.read_bytes(), authority.read_bytes(), str(reply))
            print(f"anchored: {path}, seen by the authority on {when:%Y-%m-%d %H:%M:%S} UTC")
    return faults


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
