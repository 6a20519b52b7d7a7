"""`overread init --guided`: the few questions that neither the table nor the images answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from overread.evaluate.metrics import METRICS, title

Ask = Callable[[str, str], str]
"""A question and the answer that an empty line stands for; what the person typed."""


def guided(values: Mapping[str, Any], remarks: Sequence[str], ask: Ask) -> dict[str, Any]:
    """``values``, as `init` found them, with a person's answers; ``remarks`` say which of them were guessed.

    Asked are the intended use, which class is positive where its name does not tell, the value that each proposed goal
    must reach and what is expected, age limits where no import stated any, and whether the test is to be sealed.
    """
    out = dict(values)
    if not out.get("intended_use"):
        out["intended_use"] = ask("For which patients, which images, and what purpose is it meant?", "")
    guessed = any("neither reads as an absence" in remark for remark in remarks)
    if out.get("positive") is not None and guessed:
        out["positive"] = _one_of(ask, "Which class is the one to be found?", out["labels"], out["positive"])
    out["endpoints"] = [_goal(e, ask) for e in out.get("endpoints", [])]
    if not (out.get("limits") or {}).get("age_years"):
        ages = _numbers(ask, "Ages that it may answer, from and to in years (empty: any)?", 2)
        if ages:
            out["limits"] = {**(out.get("limits") or {}), "age_years": ages}
    if _yes(ask, "Shall the truth of the test cases be sealed before training (overread seal)?"):
        out["seal"] = True
    return out


def _goal(endpoint: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
    """A goal as a person chose it; what `init` proposed is confirmed by an empty line."""
    out = dict(endpoint)
    if not out.get("proposed"):
        return out
    metric = METRICS[out["metric"]]
    name, least = title(metric, out.get("label")), "at most" if metric.better == "lower" else "at least"
    out["goal"] = _number(ask, f"Goal: {name} must be {least}?", out["goal"])
    del out["proposed"]
    found = _numbers(
        ask, f"Which {name} do you expect? From it follows how many patients the test needs (empty: none)", 1
    )
    return out | ({"expected": found[0]} if found else {})


def _one_of(ask: Ask, question: str, names: Sequence[str], default: str) -> str:
    while True:
        found = ask(f"{question} ({', '.join(names)})", default)
        if found in names:
            return found


def _number(ask: Ask, question: str, default: float) -> float:
    while True:
        found = _read(ask(question, f"{default:g}"))
        if found is not None and len(found) == 1:
            return found[0]


def _numbers(ask: Ask, question: str, count: int) -> list[float] | None:
    """So many numbers, or None for an empty line."""
    while True:
        text = ask(question, "")
        if not text.strip():
            return None
        found = _read(text)
        if found is not None and len(found) == count and found == sorted(found):
            return found


def _yes(ask: Ask, question: str) -> bool:
    return _one_of(ask, question, ("yes", "no"), "no") == "yes"


def _read(text: str) -> list[float] | None:
    try:
        return [float(part) for part in text.replace(",", " ").replace(" to ", " ").split()]
    except ValueError:
        return None
