"""Rates of yes-or-no decisions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_score, recall_score

from overread.evaluate.rates import rates

KEYS = ("sensitivity", "specificity", "ppv", "npv", "accuracy")


def test_they_are_scikit_learns() -> None:
    generator = np.random.default_rng(0)
    truth, said = generator.random(90) < 0.3, generator.random(90) < 0.4
    found = {m.metric.key: m.compute().estimate for m in rates(said, truth, None, label="x", keys=KEYS)}
    assert found == pytest.approx(
        {
            "sensitivity": recall_score(truth, said),
            "specificity": recall_score(~truth, ~said),
            "ppv": precision_score(truth, said),
            "npv": precision_score(~truth, ~said),
            "accuracy": accuracy_score(truth, said),
        }
    )


@pytest.mark.parametrize(
    ("said", "truth", "lost"),
    [(True, True, {"specificity", "npv"}), (False, False, {"sensitivity", "ppv"})],
)
def test_a_rate_of_no_case_says_why(said: bool, truth: bool, lost: set[str]) -> None:
    for m in rates(np.full(4, said), np.full(4, truth), None, label=None, keys=KEYS):
        if m.metric.key in lost:
            with pytest.raises(ValueError, match=r"^(no|every) case"):
                m.compute()
        else:
            assert m.compute().estimate == 1


def test_rates_rest_on_patients_where_they_have_several_images() -> None:
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(20), 30)
    truth = np.tile([False, True], 300)
    skill = np.repeat(rng.random(20), 30)
    said = np.where(rng.random(600) < skill, truth, ~truth)
    alone, grouped = (
        rates(said, truth, cluster, label=None, keys=("sensitivity",))[0].compute()
        for cluster in (None, patients)
    )
    assert alone.estimate == grouped.estimate
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)
    assert grouped.n == 20
