"""The quality lead's door: the chain of evidence."""

from __future__ import annotations

from typing import Annotated

import typer

from overread.cli.app import app

ledger = typer.Typer(no_args_is_help=True, help="Look into and verify the chain of evidence.")
app.add_typer(ledger, name="ledger")


@ledger.command("verify")
def ledger_verify(
    where: Annotated[str, typer.Argument(help="A protocol folder, a ledger file or a database URL.")],
) -> None:
    """Recompute the chain of hashes; name the first row that was altered, removed or reordered."""
    from overread.ledger.commands import verify_command

    verify_command(where)


@ledger.command("show")
def ledger_show(
    where: Annotated[str, typer.Argument(help="A protocol folder, a ledger file or a database URL.")],
    json_lines: Annotated[
        bool, typer.Option("--json", help="Whole events, one JSON object per line.")
    ] = False,
) -> None:
    """List the events, oldest first, one line each."""
    from overread.ledger.commands import show_command

    show_command(where, json_lines)
