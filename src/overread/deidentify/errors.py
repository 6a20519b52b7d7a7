"""A file that is not written, and why."""

from __future__ import annotations

from overread.errors import OverreadError


class WithheldError(OverreadError):
    """A file that must not or cannot be de-identified. ``reason`` quotes nothing of the file."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: withheld: {reason}")
        self.reason = reason
