"""The end of the node, as what is under way is told of it."""

from __future__ import annotations


class StoppingError(BaseException):
    """The node stops, and what was under way is left to its next start.

    No Exception: whatever handles those would take the end of the node for a fault of the study.
    """
