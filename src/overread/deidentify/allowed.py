"""What may pass whose pixels nobody has cleared."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Allowed:
    """What is written although its pixels may identify.

    ``burned_in``: files that declare burned-in text and have no declared region. ``video``: video streams.
    ``undeclared``: files of kinds that often hold text and do not declare whether they do (see `undeclared`).
    """

    burned_in: bool = False
    video: bool = False
    undeclared: bool = True
