"""Commands that messages propose, written so that they can be pasted into a shell."""

from __future__ import annotations

import shlex
from pathlib import Path


def command(*words: str | Path) -> str:
    """``overread WORDS``, in backticks, with every word quoted that a shell would take apart."""
    return f"`{shlex.join(['overread', *map(str, words)])}`"
