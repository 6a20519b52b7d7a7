"""Finding: one thing that a check saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["blocking", "warning", "info"]

FEW = 5
"""With fewer cases of a class, its sensitivity has an interval too wide to say anything."""


@dataclass(frozen=True)
class Finding:
    """``code`` names the check (``mask.grid``), ``message`` says in one line what was found.

    ``pairs`` are cases to be seen side by side.

    ``blocking``: results would be wrong or impossible. ``warning``: a person should decide. ``info``: a fact.
    """

    code: str
    severity: Severity
    message: str
    cases: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()


def some(names: Sequence[str], most: int = 3) -> str:
    """The first names of a list, and how many more there are."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
