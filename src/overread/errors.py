"""The errors a person sees. Every message says what was found, where, what was expected and what to do."""

from __future__ import annotations

JOINERS = "\u200c\u200d"
"""Characters without a picture of their own that names in Arabic and Indic scripts are spelt with."""


def printable(text: str) -> str:
    """``text`` for a terminal: every control and format character a space, but line breaks stay.

    What comes from files and from the network (a patient's name, a file's name, what a peer answered) may hold escape
    codes, which would move the cursor, colour or retitle the terminal, or hide what stands before them (ECMA-48).
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" or c in JOINERS else " " for c in text)


class OverreadError(Exception):
    """Something went wrong that the person can read about in one line. Exit code 1."""

    exit_code = 1


class InputError(OverreadError):
    """What was given cannot be used: a file, a column, a tag, a setting. Exit code 2; nothing was written."""

    exit_code = 2


class BlockingError(OverreadError):
    """A check found what must be mended before going on; the findings were written. Exit code 1."""


class StoppedError(OverreadError):
    """Stopped from outside, by Ctrl-C or a request to terminate; what was done is kept. Exit code 128 + signal."""

    def __init__(self, text: str, *, number: int = 2) -> None:
        super().__init__(text)
        self.exit_code = 128 + number
