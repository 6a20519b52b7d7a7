"""Rules that fix an operating point on the tuning cases, as protocol.yaml words them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_SHARE = r"(?:0?\.\d+|1(?:\.0+)?)"
_RATE = r"\d*\.?\d+"
_CASE = re.compile(rf"(youden)|(sensitivity|specificity)>=({_SHARE})(?:with(\d+(?:\.\d+)?)%)?")


@dataclass(frozen=True)
class CaseRule:
    """``kind``: youden, sensitivity or specificity; ``goal``: what it shall reach; ``confidence``: with which
    probability over tuning sets, None for on average."""

    kind: str
    goal: float = 0.0
    confidence: float | None = None

    def fewest(self) -> int:
        """Patients with the finding (without it, for specificity) among the tuning cases, below which the rule cannot
        be kept: on average n / (n + 1) is the most that n can promise, with confidence c the goal to the power n must
        be at most 1 - c (Wilks, Ann Math Stat 1941;12:91). 1.0 can never be promised: then 1."""
        if self.kind == "youden" or self.goal >= 1:
            return 1
        if self.confidence is None:
            return math.ceil(round(self.goal / (1 - self.goal), 9))
        return math.ceil(round(math.log(1 - self.confidence) / math.log(self.goal), 9))


def case_rule(text: str) -> str:
    """A rule for a threshold on cases: ``youden`` (also for ``""``), ``sensitivity>=x`` or ``specificity>=x``, either
    with a confidence: ``sensitivity>=0.95 with 90%``.

    Raises ValueError for anything else.
    """
    rule = "".join(text.split())
    if not rule:
        return "youden"
    found = _CASE.fullmatch(rule)
    if not found or (found[4] is not None and not 50 <= float(found[4]) < 100):
        raise ValueError(
            f"found {text!r}, expected youden, or a rule such as sensitivity>=0.95, specificity>=0.9 or "
            "sensitivity>=0.95 with 90%"
        )
    return rule.replace("with", " with ")


def parsed(rule: str) -> CaseRule:
    """What a rule as `case_rule` gives it says."""
    found = _CASE.fullmatch("".join(rule.split()))
    if found is None:
        raise ValueError(f"rule is {rule!r}, expected what case_rule gives")
    if found[1]:
        return CaseRule("youden")
    return CaseRule(found[2], float(found[3]), float(found[4]) / 100 if found[4] else None)


def shortfall(rule: str, *, positive: int, negative: int) -> str:
    """Why so many tuning patients with and without the finding cannot keep a rule; empty where they can, and for rules
    that are not on cases."""
    if not _CASE.fullmatch("".join(rule.split())):
        return ""
    asked = parsed(rule)
    n, who = (negative, "without") if asked.kind == "specificity" else (positive, "with")
    if n >= asked.fewest():
        return ""
    return (
        f"operating point {rule}: {n} tuning patients {who} the finding cannot promise that, expected "
        f"{asked.fewest()} or more; the threshold will be the most cautious of these patients"
    )


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
