"""Table 1: who the patients of each part are; and which test cases have a copy in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.cohort.splits.parts import SPLITS

DESCRIBED = ("age", "sex", "site", "scanner")
MOST_VALUES = 8
Line = dict[str, Any]


def table_one(cohort: Cohort, check: Mapping[str, Any]) -> list[Line]:
    """Lines of ``{name, train, val, test}``: patients, images, what cohort.csv says of them, and the labels.

    Ages are median and range of patients; of a patient with several images the first that states it counts. Labels
    are counted as check.json counted them, in images.
    """
    parts = {name: _patients(cohort.split(name)) for name in SPLITS}
    lines: list[Line] = [
        {"name": "Patients"} | {k: f"{len(p):,}" for k, p in parts.items()},
        {"name": "Images"} | {k: f"{len(cohort.split(k)):,}" for k in SPLITS},
    ]
    stated = {key for c in cohort for key, value in c.attributes.items() if value}
    for attribute in DESCRIBED:
        if attribute in stated:
            values = {k: [_first(cases, attribute) for cases in p.values()] for k, p in parts.items()}
            lines += _numbers(attribute, values) or _words(attribute, values)
    for group in check.get("subgroups") or check.get("groups") or []:
        if group.get("attribute") == "all":
            cells = {k: f"{int((group.get('cases') or {}).get(k, 0)):,}" for k in SPLITS}
            lines.append({"name": f"Images with {group['class']}"} | cells)
    return lines


def copied(cases: Sequence[Case], check: Mapping[str, Any]) -> set[str]:
    """Names of the test ``cases`` of which the check found a copy or near-copy in another part."""
    own = {c.case for c in cases}
    found: set[str] = set()
    for finding in check.get("findings") or []:
        if isinstance(finding, dict) and str(finding.get("code", "")).startswith("leakage."):
            named = {str(n) for pair in finding.get("pairs") or [] for n in pair}
            found |= own & (named | {str(n) for n in finding.get("cases") or []})
    return found


def _patients(cases: Sequence[Case]) -> dict[str, list[Case]]:
    out: dict[str, list[Case]] = {}
    for c in cases:
        out.setdefault(c.patient, []).append(c)
    return out


def _first(cases: Sequence[Case], attribute: str) -> str:
    return next((v for c in cases if (v := c.attributes.get(attribute, "").strip())), "")


def _numbers(attribute: str, values: Mapping[str, Sequence[str]]) -> list[Line]:
    """Median and range, and how many state none; empty where most values are words."""
    every = [t for texts in values.values() for t in texts if t]
    if 2 * len(_parsed(every)) < len(every):
        return []
    cells: dict[str, str] = {}
    for name, texts in values.items():
        found = _parsed(texts)
        missing = f"; {len(texts) - len(found)} not stated" if len(found) < len(texts) else ""
        middle = f"{np.median(found):g} ({min(found):g} to {max(found):g})" if found else "–"
        cells[name] = middle + missing
    unit = ", years" if attribute == "age" else ""
    return [{"name": f"{attribute.capitalize()}{unit}, median (range)"} | cells]


def _parsed(texts: Sequence[str]) -> list[float]:
    found = []
    for text in texts:
        try:
            found.append(float(text))
        except ValueError:
            continue
    return [v for v in found if np.isfinite(v)]


def _words(attribute: str, values: Mapping[str, Sequence[str]]) -> list[Line]:
    """A line for each value, patients with their share; rare ones together."""
    every = [t for texts in values.values() for t in texts]
    names = sorted(set(every) - {""}, key=lambda v: (-every.count(v), v))
    shown, rest = names[:MOST_VALUES], set(names[MOST_VALUES:])
    rows: list[tuple[str, set[str]]] = [(v, {v}) for v in shown]
    if rest:
        rows.append((f"{len(rest)} others", rest))
    if "" in every:
        rows.append(("not stated", {""}))
    lines = []
    for name, members in rows:
        cells = {}
        for k, texts in values.items():
            n = sum(t in members for t in texts)
            cells[k] = f"{n:,} ({n / len(texts):.0%})" if texts else "–"
        lines.append({"name": f"{attribute.capitalize()}: {name}"} | cells)
    return lines
