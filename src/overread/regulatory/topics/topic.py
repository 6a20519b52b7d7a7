"""A topic that checklists and dossiers ask about: the question, who answers it, and what evidence says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from overread.evaluate.metrics import METRICS, title
from overread.ledger.figures import figure_id
from overread.regulatory.finished import Finished
from overread.regulatory.found import Found, Ref


@dataclass(frozen=True)
class Topic:
    """``question`` for a person, ``who`` should answer, and ``find``: what a finished run says of it by itself."""

    question: str
    who: str
    find: Callable[[Finished], Found] = lambda run: Found()

    def answer(self, name: str, run: Finished) -> Found:
        """Evidence and, where somebody stated something in statements.yaml, that too: it answers what was lacking."""
        found = self.find(run)
        stated = run.statements.get(name)
        if stated is None or not stated.given:
            return found if found.said else Found(on=found.on, lacking=found.lacking or self.question)
        by = f"{stated.by}, {stated.on:%Y-%m-%d}"
        return Found(
            (*found.said, stated.text.strip()),
            (*found.on, Ref(f"statement of {by}", f"statements.yaml: {name}")),
            "",
            by,
        )


def figure(row: dict[str, Any], section: str = "test") -> Ref:
    """The reference to a row of report.json."""
    return Ref(name_of(row), figure_id(section, row))


def name_of(row: dict[str, Any]) -> str:
    """The full name of a measure, with its label."""
    return title(METRICS[row["metric"]], row["label"]) if row["metric"] in METRICS else str(row["metric"])


def with_interval(row: dict[str, Any]) -> str:
    """``Area under the ROC curve 0.958 (95% interval 0.930 to 0.975; n = 624)``, with its unit where it is no share."""
    metric = METRICS.get(row["metric"])
    unit = "" if metric is None or metric.share else f" {row['unit']}"
    n = "" if row.get("n") is None else f"; n = {row['n']}"
    low, high, level = row["low"], row["high"], row["confidence"]
    return f"{name_of(row)} {row['estimate']:.3f} ({level:.0%} interval {low:.3f} to {high:.3f}{n}){unit}"


def listed(names: list[str]) -> str:
    """``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "none"
