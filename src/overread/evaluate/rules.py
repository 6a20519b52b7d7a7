"""Rules that fix an operating point on the tuning cases, as protocol.yaml words them."""

from __future__ import annotations

import re

_SHARE = r"(?:0?\.\d+|1(?:\.0+)?)"
_RATE = r"\d*\.?\d+"


def case_rule(text: str) -> str:
    """A rule for a threshold on cases: ``youden`` (also for ``""``), ``sensitivity>=x`` or ``specificity>=x``.

    Raises ValueError for anything else.
    """
    rule = "".join(text.split())
    if not rule:
        return "youden"
    if not re.fullmatch(rf"youden|(?:sensitivity|specificity)>={_SHARE}", rule):
        raise ValueError(
            f"found {text!r}, expected youden, or a rule such as sensitivity>=0.95 or specificity>=0.9"
        )
    return rule


def object_rule(text: str) -> str:
    """A rule for a threshold on objects: ``f1`` (also for ``""``), ``sensitivity>=x`` or ``false_positives<=x``.

    ``false_positives`` are per image. Raises ValueError for anything else.
    """
    rule = "".join(text.split())
    if not rule:
        return "f1"
    if not re.fullmatch(rf"f1|sensitivity>={_SHARE}|false_positives<={_RATE}", rule):
        raise ValueError(
            f"found {text!r}, expected f1, or a rule such as sensitivity>=0.9 or false_positives<=0.5"
        )
    return rule


def no_rule(text: str, why: str) -> str:
    """The empty rule. Raises ValueError, saying ``why``, where one is given."""
    if text.strip():
        raise ValueError(f"found {text!r}, expected none: {why}")
    return ""
