"""Where text is burned into a picture: read by a network where one is installed, else by the shape of its strokes."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from overread.imaging.burned_in import text_lines
from overread.imaging.text_reader import is_installed, read_text

STROKES, READER = "rows of strokes", "reading"


class Line(NamedTuple):
    """A line of text: its box in pixels (``bottom`` and ``right`` are outside), and what it says where it was read."""

    top: int
    left: int
    bottom: int
    right: int
    text: str = ""


def find_text(plane: NDArray[Any]) -> list[Line]:
    """Lines of text in a picture ``(rows, columns)``."""
    if is_installed():
        return [Line(*reading) for reading in read_text(plane)]
    return [Line(line.top, line.left, line.bottom, line.right) for line in text_lines(plane)]


def finder() -> str:
    """How text is found here."""
    return READER if is_installed() else STROKES
