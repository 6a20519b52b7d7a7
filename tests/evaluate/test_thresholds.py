"""The scale and the threshold of one label, from the tuning cases."""

from __future__ import annotations

import numpy as np
import pytest

from overread.evaluate.meaning import FEWEST_OF_A_KIND
from overread.evaluate.thresholds import point_of, scale_of
from overread.stats.calibration import PlattScaling
from overread.stats.roc import operating_point_at


def test_the_scale_is_platts_with_smoothed_targets() -> None:
    rng = np.random.default_rng(0)
    z, truth = rng.normal(size=200), rng.random(200) < 0.4
    z[truth] += 1
    scale, note = scale_of(z, truth)
    fitted = PlattScaling.fit(z, truth, smoothed=True)
    assert (scale.slope, scale.intercept, note) == (fitted.slope, fitted.intercept, "")


def test_a_separated_label_keeps_a_finite_scale() -> None:
    scale, note = scale_of(np.concatenate([np.full(20, -3.0), np.full(20, 3.0)]), np.arange(40) >= 20)
    assert not note and 0 < scale.slope < 2


@pytest.mark.parametrize(
    ("logit", "truth", "reason"),
    [
        (np.arange(50.0), np.arange(50) >= 51 - FEWEST_OF_A_KIND, "9 with and 41 without"),
        (np.zeros(50), np.arange(50) >= 25, "same score"),
        (-np.arange(50.0), np.arange(50) >= 25, "no more often right"),
    ],
)
def test_what_cannot_be_scaled_stays_and_says_why(logit, truth, reason: str) -> None:
    scale, note = scale_of(logit, truth)
    assert (scale.slope, scale.intercept) == (1, 0) and reason in note


def test_images_of_few_patients_are_few() -> None:
    truth = np.arange(100) >= 50
    scale, note = scale_of(np.arange(100.0), truth, cluster=np.arange(100) // 10)
    assert scale.slope == 1 and "5 with and 5 without" in note


def test_figures_of_a_point_are_called_apparent() -> None:
    rng = np.random.default_rng(0)
    p, truth = rng.random(100), rng.random(100) < 0.5
    names = np.arange(100) // 2
    point, note = point_of(p, truth, "sensitivity>=0.9", cluster=names)
    expected = operating_point_at(truth, p, threshold=point.threshold, cluster=names)
    assert note == "" and set(point.figures) == {"apparent_sensitivity", "apparent_specificity"}
    found = point.figures["apparent_specificity"]
    assert {k: v for k, v in found.items() if k != "optimism"} == expected.specificity.as_dict()


def test_youden_on_noise_is_optimistic_and_that_is_stated() -> None:
    rng = np.random.default_rng(0)
    better = []
    for _ in range(20):
        point, _ = point_of(rng.random(40), np.arange(40) % 2 == 0, "youden")
        better.append(sum(f["optimism"] for f in point.figures.values()))
    assert 0.05 < np.mean(better) < 0.3  # of scores that know nothing


@pytest.mark.parametrize(
    ("truth", "reason"), [([1, 1], "every tuning case has"), ([0, 0], "lacks"), ([], "no tuning case")]
)
def test_one_sided_tuning_cases_give_one_half_and_say_so(truth: list[int], reason: str) -> None:
    point, note = point_of(np.full(len(truth), 0.3), np.array(truth, bool), "youden")
    assert point.threshold == 0.5 and point.figures == {} and reason in note
