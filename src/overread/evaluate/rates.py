"""Rates of a yes-or-no decision about one label, as measures still to be computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.evaluate.metric import Measure
from overread.evaluate.metrics import METRICS
from overread.stats.interval import Interval
from overread.stats.intervals import rate_ci

CASES = "proportion of cases"
Bools = NDArray[np.bool_]

_PARTS: dict[str, Callable[[Bools, Bools], tuple[Bools, Bools]]] = {
    "sensitivity": lambda said, truth: (said, truth),
    "specificity": lambda said, truth: (~said, ~truth),
    "ppv": lambda said, truth: (truth, said),
    "npv": lambda said, truth: (~truth, ~said),
    "accuracy": lambda said, truth: (said == truth, np.ones_like(truth)),
}
_NONE = {
    "sensitivity": "no case has it",
    "specificity": "every case has it",
    "ppv": "no case was called positive",
    "npv": "no case was called negative",
    "accuracy": "no case was decided",
}


def rates(
    said: Bools, truth: Bools, cluster: NDArray[Any] | None, *, label: str | None, keys: Sequence[str]
) -> list[Measure]:
    """The rates ``keys`` of decisions ``said (n,)`` against ``truth (n,)``, by Wilson's interval.

    ``cluster (n,)`` names the patient of each case where patients have several (see `rate_ci`).
    """
    return [Measure(METRICS[key], label, CASES, partial(_rate, key, said, truth, cluster)) for key in keys]


def _rate(key: str, said: Bools, truth: Bools, cluster: NDArray[Any] | None) -> Interval:
    right, among = _PARTS[key](said, truth)
    if not among.any():
        raise ValueError(_NONE[key])
    return rate_ci(right[among], cluster=None if cluster is None else cluster[among])
