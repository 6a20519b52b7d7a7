"""A test case as a row, and small helpers of the task modules: numbers out of rows, the kind of answer given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from overread.runtime.answer import Answer

Row = dict[str, Any]
"""One case as it stands in predictions.csv: ``case``, ``patient``, ``outcome``, and the task's own columns. Values are
plain numbers at full precision (``float``), text or None."""
A = TypeVar("A")
WORST_ODDS = 1e9
"""Log odds of a refused case on the wrong side of every answer, so that it comes last in every ranking."""


def of_kind(answer: Answer, kind: type[A]) -> A:
    """``answer`` itself. Raises TypeError where it is of another kind than the task gives."""
    if not isinstance(answer, kind):
        raise TypeError(f"found an answer of {type(answer).__name__}, expected {kind.__name__}")
    return answer


def numbers(rows: Sequence[Row], columns: Sequence[str]) -> NDArray[np.float64]:
    """``(rows, columns)`` of numbers; NaN where a row states none."""
    table = [[_number(row, column) for column in columns] for row in rows]
    return np.array(table, np.float64).reshape(len(rows), len(columns))


def ranks(rows: Sequence[Row], labels: Sequence[str], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(rows, labels)`` to rank cases by: the log odds, which stay apart where scores round to 0 or 1; the scores
    themselves where rows state none."""
    odds = numbers(rows, [f"log_odds_{label}" for label in labels])
    return odds if np.isfinite(odds).all() else scores


def sureness(
    labels: Sequence[str], scores: Mapping[str, float], log_odds: Mapping[str, float]
) -> dict[str, float]:
    """Columns ``score_<label>`` and ``log_odds_<label>``."""
    columns = {f"score_{label}": float(scores[label]) for label in labels}
    return columns | {f"log_odds_{label}": float(log_odds[label]) for label in labels if label in log_odds}


def worst_sureness(there: Mapping[str, bool]) -> dict[str, float]:
    """Columns of `sureness` of a refused case: certain of the wrong for each label, which is ``there`` or not."""
    sure = {label: 0.0 if has else 1.0 for label, has in there.items()}
    return sureness(list(there), sure, {k: -WORST_ODDS if has else WORST_ODDS for k, has in there.items()})


def score_quantiles(scores: NDArray[np.float64], labels: Sequence[str]) -> dict[str, list[float]]:
    """21 quantiles of each label's score over ``scores (n, labels)``, from the smallest to the largest."""
    found = np.quantile(scores, np.linspace(0, 1, 21), axis=0)
    return {label: found[:, k].round(6).tolist() for k, label in enumerate(labels)}


def notes_of(*notes: Mapping[str, str]) -> dict[str, Any]:
    """``{"notes": {label: [reasons]}}``, without labels that have none; empty where nothing is to be said."""
    found: dict[str, list[str]] = {}
    for part in notes:
        for label, text in part.items():
            if text:
                found.setdefault(label, []).append(text)
    return {"notes": found} if found else {}


def part_of(cluster: NDArray[Any] | None, where: NDArray[np.bool_]) -> NDArray[Any] | None:
    """The patients of some of the cases."""
    return None if cluster is None else cluster[where]


def stating(
    rows: Sequence[Row], label: str, clusters: NDArray[Any] | None
) -> tuple[list[Row], NDArray[Any] | None]:
    """The rows whose truth says whether the structure is there (column ``shown_<label>``), and their patients."""
    where = np.array([row.get(f"shown_{label}") is not None for row in rows], np.bool_)
    return [row for row, stated in zip(rows, where, strict=True) if stated], part_of(clusters, where)


def _number(row: Row, column: str) -> float:
    value = row.get(column)
    return float("nan") if value is None else float(value)
