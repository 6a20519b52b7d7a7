"""Quantiles over patients: the usual ones where each has one image, and true to what they say where each has ten."""

from __future__ import annotations

import numpy as np
import pytest

from overread.evaluate import patients
from overread.stats.conformal import conformal_quantile
from overread.stats.intervals import prediction_limits


@pytest.mark.parametrize("n", [1, 5, 9, 10, 37, 200])
def test_one_image_a_patient_gives_the_usual_quantile(n: int) -> None:
    scores = np.random.default_rng(n).random(n)
    names = np.array([f"p{i}" for i in range(n)])
    expected = conformal_quantile(scores, coverage=0.9)
    assert patients.quantile(scores, coverage=0.9) == expected
    assert patients.quantile(scores, coverage=0.9, cluster=names) == expected


@pytest.mark.parametrize("n", [2, 9, 10, 38, 39, 200])
def test_one_image_a_patient_gives_the_usual_limits(n: int) -> None:
    values = np.random.default_rng(n).normal(size=n)
    expected = prediction_limits(values, coverage=0.9)
    for cluster in (None, np.arange(n)):
        found = patients.limits(values, coverage=0.9, cluster=cluster)
        assert (found.low, found.high, found.n) == (expected.low, expected.high, expected.n)
        assert found.coverage == pytest.approx(expected.coverage)


def test_no_score_and_one_patient() -> None:
    assert patients.quantile(np.zeros(0), coverage=0.9) == float("inf")
    with pytest.raises(ValueError, match="one patient"):
        patients.limits(np.arange(5.0), coverage=0.9, cluster=np.zeros(5))


@pytest.mark.parametrize("units", [5, 12, 40])
def test_images_of_one_patient_are_not_taken_as_independent(units: int) -> None:
    """Ten images a patient that hardly differ: a further patient lies in the limits as often as they say."""
    generator = np.random.default_rng(units)
    names = np.repeat(np.arange(units), 10)
    kept, plain, stated, below = 0, 0, 0.0, 0
    for _ in range(1500):
        level = generator.normal(size=units + 1)
        values = np.repeat(level[:-1], 10) + generator.normal(0, 0.1, 10 * units)
        new = level[-1] + generator.normal(0, 0.1)
        found = patients.limits(values, coverage=0.9, cluster=names)
        other = prediction_limits(values, coverage=0.9)
        kept += found.low <= new <= found.high
        plain += other.low <= new <= other.high
        below += new <= patients.quantile(values, coverage=0.9, cluster=names)
        stated = found.coverage
    assert kept / 1500 >= min(stated, 0.9) - 0.025
    assert stated == pytest.approx(min((units - 1) / (units + 1), 0.9), abs=0.05)
    assert below / 1500 >= 0.9 - 0.025
    if units == 5:
        assert plain / 1500 < 0.75  # what it would be to count images
