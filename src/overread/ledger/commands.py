"""`overread ledger verify` and `overread ledger show`."""

from __future__ import annotations

from pathlib import Path

from overread.errors import InputError, OverreadError
from overread.ledger.ledger import Ledger

LEDGER_FILE = "ledger.db"


def verify_command(where: str) -> None:
    """Recompute the chain of a protocol folder, a ledger file or a database URL, and print one line.

    Raises
    ------
    OverreadError
        The chain is broken; the message names the first broken row and how it was broken.
    InputError
        There is no ledger.
    """
    result = open_existing(where).verify()
    if not result.ok:
        raise OverreadError(f"{where}: {result.detail}")
    print(result)


def show_command(where: str) -> None:
    """Print the events, oldest first: number, time, who, what, payload and the start of the hash."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("#", "time (UTC)", "actor", "kind", "payload", "hash"):
        table.add_column(name, justify="right" if name == "#" else "left", overflow="fold")
    for event in open_existing(where).events():
        cells = (str(event.seq), event.time[:19], event.actor, event.kind, event.payload, event.hash[:12])
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)


def open_existing(where: str) -> Ledger:
    """The ledger of a protocol folder (its ``ledger.db``), of a file or at a URL; or InputError."""
    if "://" not in where and Path(where).is_dir():
        file = Path(where) / LEDGER_FILE
        if not file.is_file():
            raise InputError(
                f"{where}: no {LEDGER_FILE} in this folder; run a stage first, such as overread check"
            )
        return Ledger.open(file, create=False)
    return Ledger.open(where, create=False)
