"""A document as data: headings, texts, lists and tables under a title; who writes it decides how it looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True)
class Heading:
    """A heading of ``level`` 1 to 3."""

    text: str
    level: int = 1


@dataclass(frozen=True)
class Text:
    """A paragraph; ``quiet`` is a note in smaller type, ``warning`` is set apart."""

    text: str
    quiet: bool = False
    warning: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list of points."""

    items: Sequence[str]


@dataclass(frozen=True)
class Cell:
    """A cell of several lines; ``quiet`` ones stand below in small type, such as the evidence."""

    lines: Sequence[str] = ()
    quiet: Sequence[str] = ()
    mark: str = ""
    """``filled``, ``partly`` or ``missing`` colours the cell."""


@dataclass(frozen=True)
class Table:
    """A table; ``widths`` are shares of the page's width by column."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    widths: Sequence[float] = ()


Part: TypeAlias = Heading | Text | Bullets | Table


@dataclass(frozen=True)
class Document:
    """``bands`` stand on top of every page or the first: virtual patients, exploratory numbers, draft."""

    title: str
    subtitle: str = ""
    bands: Sequence[str] = ()
    parts: Sequence[Part] = field(default_factory=tuple)
    footer: str = ""


def cell(value: str | Cell) -> Cell:
    """A text as a cell of one line."""
    return value if isinstance(value, Cell) else Cell((value,) if value else ())
