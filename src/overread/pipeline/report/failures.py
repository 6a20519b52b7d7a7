"""Wrong answers by kind of error: how many, how often, and which to look at first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from overread.evaluate.rows import Row
from overread.evaluate.run import Evaluation, answered_rows
from overread.evaluate.tasks.protocol import Telling, clusters_of
from overread.stats.intervals import rate_ci

SHOWN = 6
"""Pictures of each kind."""
MOST_KINDS = 6
REFUSED = "Without an answer"


def failures_of(evaluation: Evaluation) -> list[dict[str, Any]]:
    """A row for each kind of error, the most frequent first: ``cases`` of ``of``, their share with its interval, and
    ``examples``, worst first.

    Of answers that decide a class: the true class answered as another one, of the cases of that class. Cases without
    an answer are a kind of their own. Nothing for tasks whose errors have no kinds.
    """
    rows, answered = evaluation.rows, answered_rows(evaluation.rows)
    found = []
    given = {r["case"] for r in answered}
    refused = [r for r in rows if r["case"] not in given]
    if refused:
        found.append(_kind(REFUSED, rows, refused))
    for (true, said), wrong in _confused(answered).items():
        among = [r for r in answered if r.get("label") == true]
        found.append(_kind(f"{true} answered as {said}", among, wrong))
    return sorted(found, key=lambda k: -k["cases"])[:MOST_KINDS]


def failures_to_show(evaluation: Evaluation) -> list[Telling]:
    """The cases to look at: worst of each kind of error instead of the errors in one heap, and the rest as it is."""
    by_case = {r["case"]: r for r in evaluation.rows}
    kinds = [k for k in failures_of(evaluation) if k["kind"] != REFUSED]
    if not kinds:
        return list(evaluation.telling)
    found = []
    for kind in kinds:
        title = f"{kind['kind'][:1].upper()}{kind['kind'][1:]}: {kind['cases']} of {kind['of']}"
        for case in kind["examples"][:SHOWN]:
            r = by_case[case]
            found.append(
                Telling(title, case, f"{case}: {r['decided']} ({_surety(r):.2f}), true {r['label']}")
            )
    wrong = {case for k in kinds for case in k["examples"]}
    return found + [t for t in evaluation.telling if t.case not in wrong]


def _confused(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    out: dict[tuple[str, str], list[Row]] = {}
    for r in rows:
        if r.get("decided") is not None and "label" in r and r["decided"] != r["label"]:
            out.setdefault((str(r["label"]), str(r["decided"])), []).append(r)
    return out


def _kind(kind: str, among: Sequence[Row], wrong: Sequence[Row]) -> dict[str, Any]:
    names = {r["case"] for r in wrong}
    of = np.array([r["case"] in names for r in among])
    interval = rate_ci(of, cluster=clusters_of([r["patient"] for r in among]))
    worst = sorted(wrong, key=lambda r: -_surety(r))
    return {
        "kind": kind,
        "name": kind,
        "cases": len(wrong),
        "of": len(among),
        "share": interval.estimate,
        "examples": [r["case"] for r in worst],
        **interval.as_dict(),
    }


def _surety(row: Row) -> float:
    """The score of what was decided; 0 where there is none."""
    return float(row.get(f"score_{row.get('decided')}") or 0.0)
