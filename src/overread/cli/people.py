"""People's door: keys, signatures, decisions and deviations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from overread.cli.app import PassphraseFile, app

keys = typer.Typer(no_args_is_help=True, help="People who sign, and their keys.")
app.add_typer(keys, name="keys")
Who = Annotated[str, typer.Argument(metavar="NAME", help="The person's name, or the id of the key.")]
Signer = Annotated[str, typer.Option("--as", help="Who signs: a name or key of the keyring.")]
Protocol = Annotated[Path, typer.Option("--dir", help="The protocol's folder.")]


@keys.command("new")
def keys_new(
    name: Annotated[str, typer.Argument(help="Full name, as documents will show it.")],
    role: Annotated[
        list[str], typer.Option("--role", help="analyst, reviewer or quality; may be given again.")
    ],
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make a person's keys; the private ones are encrypted with a passphrase."""
    from overread.keys.commands import new_command

    new_command(name, role, passphrase_file)


@keys.command("list")
def keys_list() -> None:
    """List the people whose keys are known here."""
    from overread.keys.commands import list_command

    list_command()


@keys.command("export")
def keys_export(
    name: Who, out: Annotated[Optional[Path], typer.Option("--out", help="File to write.")] = None
) -> None:
    """Print a person's card, the public part of the keys, for other machines."""
    from overread.keys.commands import export_command

    export_command(name, out)


@keys.command("import")
def keys_import(
    card: Annotated[Path, typer.Argument(metavar="CARD", help="As keys export wrote it.")],
) -> None:
    """Take in the card of somebody else."""
    from overread.keys.commands import import_command

    import_command(card)


@keys.command("revoke")
def keys_revoke(
    name: Who, reason: Annotated[str, typer.Option("--reason", help="Why; verifying tells it.")]
) -> None:
    """Let a key count no more from now on."""
    from overread.keys.commands import revoke_command

    revoke_command(name, reason)


@keys.command("sign-package")
def keys_sign_package(
    package: Annotated[Path, typer.Argument(metavar="PACKAGE", help="An .overread file or folder.")],
    who: Signer,
    comment: Annotated[str, typer.Option("--comment", help="What the signature says besides.")] = "",
    passphrase_file: PassphraseFile = None,
) -> None:
    """Sign a package: the signature lies beside it, and clinic.yaml can ask for it."""
    from overread.runtime.sign_package_command import sign_package_command

    sign_package_command(package, who=who, comment=comment, passphrase_file=passphrase_file)


@app.command()
def sign(
    row: Annotated[str, typer.Argument(metavar="ROW", help="Number of a row, or a stage: its last row.")],
    meaning: Annotated[str, typer.Option("--meaning", help="reviewed or approved.")],
    who: Signer,
    comment: Annotated[str, typer.Option("--comment", help="What the signature says besides.")] = "",
    folder: Protocol = Path(),
    passphrase_file: PassphraseFile = None,
) -> None:
    """Sign a row of a protocol's ledger, with name, time and meaning."""
    from overread.pipeline.signing import sign_command

    sign_command(folder, row, meaning=meaning, who=who, comment=comment, passphrase_file=passphrase_file)


@app.command()
def decide(
    finding: Annotated[
        Optional[str], typer.Argument(metavar="FINDING", help="Code or number; without it they are listed.")
    ] = None,
    decision: Annotated[str, typer.Option("--decision", help="accepted or rejected.")] = "accepted",
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    who: Annotated[str, typer.Option("--as", help="Who decides: a name or key of the keyring.")] = "",
    folder: Protocol = Path(),
    passphrase_file: PassphraseFile = None,
) -> None:
    """Record who decided what about a warning of the check, and why."""
    from overread.pipeline.decisions import decide_command

    decide_command(
        folder, finding, decision=decision, reason=reason, who=who, passphrase_file=passphrase_file
    )


@app.command()
def deviate(
    reason: Annotated[str, typer.Option("--reason", help="What was done otherwise than planned, and why.")],
    who: Signer,
    folder: Protocol = Path(),
    passphrase_file: PassphraseFile = None,
) -> None:
    """Append a deviation from the locked protocol; nothing that was locked is changed by it."""
    from overread.pipeline.decisions import deviate_command

    deviate_command(folder, reason=reason, who=who, passphrase_file=passphrase_file)
