"""Asking a person for a passphrase: the first line of a file, or the terminal. Never an argument, which others see."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from overread.errors import InputError


def ask_passphrase(file: Path | None, of: str, *, confirm: bool = False) -> str:
    """The passphrase ``of`` something, from the first line of ``file`` or asked for, twice with ``confirm``.

    Raises
    ------
    InputError
        No such file or an empty line; no terminal to ask on; two that differ.
    """
    if file is not None:
        if not file.is_file():
            raise InputError(f"{file}: no such file; it should hold the passphrase in its first line")
        lines = file.read_text(encoding="utf-8").splitlines()
        if not lines or not lines[0].strip():
            raise InputError(f"{file}: its first line is empty; it should hold the passphrase")
        return lines[0].strip()
    if not sys.stdin.isatty():
        raise InputError("no terminal to ask for the passphrase; give it with a passphrase file")
    given = getpass.getpass(f"passphrase of {of}: ")
    if confirm and getpass.getpass("once more: ") != given:
        raise InputError("the two passphrases differ; nothing was written")
    return given
