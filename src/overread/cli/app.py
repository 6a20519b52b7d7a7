"""The command line's root, and the arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

# Commands are listed in the order a person meets them; heavy rooms are imported inside the commands.
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Train, validate, package, deploy and watch a medical-imaging AI model.",
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The protocol's folder, with cohort.csv.")]
Out = Annotated[Path, typer.Option("--out", help="Folder to make.")]
Budget = Annotated[
    Optional[str], typer.Option("--budget", help="Wall-clock time for the whole run, such as 90s, 5m or 2h.")
]
Epochs = Annotated[
    Optional[int],
    typer.Option(
        "--epochs", help="Exactly so many epochs, whatever the time: the same seed repeats the run."
    ),
]
Exact = Annotated[
    bool,
    typer.Option(
        "--exact",
        help="Do exactly the epochs that the budget should hold, by the speed seen now: the run can repeat.",
    ),
]


Seeds = Annotated[
    int,
    typer.Option("--seeds", help="Train by so many seeds within the same time; the report shows the spread."),
]
Folds = Annotated[
    Optional[int],
    typer.Option(
        "--folds",
        help="Train so many networks within the same time, each without one fold of the patients outside the test, "
        "who then all serve for calibration; the protocol's cross_fit without it.",
    ),
]
Ensemble = Annotated[
    bool,
    typer.Option(
        "--ensemble/--single", help="Package the networks of all seeds or folds together, or the first alone."
    ),
]


Sign = Annotated[
    Optional[str], typer.Option("--sign", help="Who signs: a name or key of the keyring (overread keys).")
]
PassphraseFile = Annotated[
    Optional[Path],
    typer.Option("--passphrase-file", help="Its first line is the passphrase; asked for without it."),
]


def _version(wanted: bool) -> None:
    if wanted:
        from overread import __version__

        typer.echo(f"overread {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Train, validate, package, deploy and watch a medical-imaging AI model."""
