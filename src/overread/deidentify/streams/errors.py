"""A stream that cannot be taken apart."""

from __future__ import annotations


class OtherwiseBuiltError(ValueError):
    """A compressed frame that is not built as its kind is, so that nobody can say where its comments are."""
