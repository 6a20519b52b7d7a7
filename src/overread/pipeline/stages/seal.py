"""seal: take the truth of the test cases out of the folder until the test opens it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from overread.commands import command
from overread.keys.ring import Keyring
from overread.pipeline.seal import EVENT, is_sealed, seal_test
from overread.pipeline.workspace import Workspace, console


def seal_stage(folder: Path, holders: Sequence[str]) -> None:
    """Seal the test of ``folder`` for the people of the keyring named ``holders``.

    Raises
    ------
    InputError
        Nobody of that name, or as `overread.pipeline.seal.seal_test`.
    """
    space = Workspace.open(folder)
    ring = Keyring()
    cards = [ring.find(name) for name in holders]
    sealed = seal_test(space, cards)
    row = space.ledger.events(EVENT)[-1]
    names = " and ".join(h["name"] for h in sealed["holders"])
    console.print(
        f"  The truth of {sealed['cases']} test cases is sealed for {names} (row {row.seq}, root "
        f"{sealed['root'][:12]}) and taken out of the folder. Copies elsewhere (backups, the data's source) are yours "
        "to put away.",
        highlight=False,
    )
    console.print(
        f"  Only {command('test', folder, '--as', 'NAME')} opens it. If every key is lost, so is the test.",
        highlight=False,
    )


def sealed_if_asked(folder: Path, holders: Sequence[str]) -> None:
    """Seal for ``holders`` where somebody is named and nothing is sealed yet."""
    if holders and not is_sealed(folder):
        seal_stage(folder, holders)
