"""A proposed command can be pasted, and no message writes one by hand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from overread.commands import command

SOURCE = Path(__file__).parents[1] / "src" / "overread"


def test_it_can_be_pasted() -> None:
    for folder in ("plain", "with blanks", "it's", "a;b", "$HOME", "-n"):
        assert shlex.split(command("check", Path(folder)).strip("`")) == ["overread", "check", folder]


def test_no_message_puts_a_path_into_a_command_by_hand() -> None:
    by_hand = re.compile(r"`overread [a-z-]+[^`\"]*\{[a-z_.]*(folder|out|path|parent|package)")
    found = [
        f"{path.relative_to(SOURCE)}:{n}"
        for path in SOURCE.rglob("*.py")
        for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if by_hand.search(line)
    ]
    assert not found, found
