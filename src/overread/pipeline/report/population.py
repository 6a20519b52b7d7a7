"""The population that is meant beside the one that was found: by what the protocol limits and the table states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from overread.cohort.case import Case
from overread.pipeline.protocol import Protocol


def population_rows(protocol: Protocol, cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Rows of ``{name, intended, actual, verdict}`` of the test ``cases``.

    What nobody limited, or no column states, says so: a silent row would look like agreement.
    """
    rows = [_row("Use", protocol.intended_use.strip() or "not stated", _count(cases), "")]
    ages = sorted(v for c in cases if (v := _number(c.attributes.get("age", ""))) is not None)
    limits = protocol.limits.age_years
    if limits is not None or ages:
        intended = f"{limits[0]:g} to {limits[1]:g}" if limits else "not limited"
        actual = (
            f"{ages[0]:g} to {ages[-1]:g}, median {ages[len(ages) // 2]:g}" if ages else "not in the table"
        )
        verdict = "cannot be compared" if limits and not ages else ""
        if limits and ages:
            out = sum(not limits[0] <= a <= limits[1] for a in ages)
            verdict = f"{out} of {len(ages)} outside" if out else "all within"
            if ages[-1] - ages[0] < 0.5 * (limits[1] - limits[0]):
                verdict += "; the test covers less than half of the range"
        rows.append(_row("Age, years", intended, actual, verdict))
    modality = sorted({m for c in protocol.channels for m in c.modality})
    rows.append(_row("Modality", ", ".join(modality) or "not limited", _stated(cases, "modality"), ""))
    if protocol.limits.body_part:
        rows.append(_row("Body part", ", ".join(protocol.limits.body_part), _stated(cases, "body_part"), ""))
    for name in ("sex", "site", "scanner"):
        found = _stated(cases, name)
        verdict = (
            "one value only: nothing is known of others"
            if found.count(",") == 0 and found[:3] != "not"
            else ""
        )
        rows.append(_row(name.capitalize(), "not limited", found, verdict))
    return rows


def _row(name: str, intended: str, actual: str, verdict: str) -> dict[str, Any]:
    return {"name": name, "intended": intended, "actual": actual, "verdict": verdict}


def _count(cases: Sequence[Case]) -> str:
    return f"{len({c.patient for c in cases}):,} test patients, {len(cases):,} images"


def _stated(cases: Sequence[Case], attribute: str) -> str:
    values = [v for c in cases if (v := c.attributes.get(attribute, "").strip())]
    if not values:
        return "not in the table"
    names = sorted(set(values), key=lambda v: (-values.count(v), v))
    shown = ", ".join(f"{v} {values.count(v) / len(cases):.0%}" for v in names[:5])
    return shown + (f", and {len(names) - 5} more" if len(names) > 5 else "")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
