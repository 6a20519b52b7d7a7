"""Spread over seeds: Student's t as SciPy has it, shares within their bounds, and only what every seed gives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from overread.evaluate.metric import Measured
from overread.evaluate.metrics import METRICS
from overread.evaluate.run import Evaluation
from overread.evaluate.seeds import seed_mean, seed_rows
from overread.stats.interval import Interval


def evaluation(**values: float) -> Evaluation:
    measured = [Measured(METRICS[k], None, "", Interval(v, v, v, 0.95, "", 9)) for k, v in values.items()]
    return Evaluation([], (METRICS["auroc"], None), measured)


def test_students_t() -> None:
    values = [0.90, 0.92, 0.95]
    found, sd = seed_mean(values)
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high)) and sd == pytest.approx(
        np.std(values, ddof=1)
    )
    assert seed_mean([0.8, 0.9, 0.98], share=True)[0].high == 1.0
    with pytest.raises(ValueError, match="found 1 seed"):
        seed_mean([0.9])


def test_a_measure_that_one_seed_lacks_is_left_out() -> None:
    rows = seed_rows([evaluation(auroc=0.8, brier=0.2), evaluation(auroc=0.9)])
    assert [(r["metric"], r["estimate"], r["n"]) for r in rows] == [("auroc", pytest.approx(0.85), 2)]
    assert rows[0]["seeds"] == [0.8, 0.9]
