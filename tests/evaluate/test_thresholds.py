"""What a score meant on the tuning cases: bins, scale and threshold of one label."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from overread.evaluate.thresholds import FEWEST_OF_A_KIND, point_of, scale_of, score_bins
from overread.stats.calibration import PlattScaling
from overread.stats.roc import operating_point


def test_scores_are_judged_class_by_class() -> None:
    """An over-confident positive class must not be hidden by the other class's mirror image."""
    rng = np.random.default_rng(0)
    p = rng.random(4000)
    truth = rng.random(4000) < p**3
    for part in score_bins(p, truth):
        middle = (part.low + part.high) / 2
        if 0.3 < middle < 0.8:
            assert part.observed_high < middle
            assert part.observed_low - 0.05 < middle**3 < part.observed_high + 0.05


def test_bins_cover_every_score_once() -> None:
    parts = score_bins(np.random.default_rng(1).random(300), np.arange(300) % 2 == 0)
    assert parts[0].low == 0 and parts[-1].high == 1 and sum(p.cases for p in parts) == 300
    assert all(a.high == b.low for a, b in itertools.pairwise(parts))


@pytest.mark.parametrize(("n", "bins"), [(36, 0), (99, 0), (100, 5), (159, 7), (1000, 10)])
def test_no_bins_from_which_only_the_prevalence_could_be_read(n: int, bins: int) -> None:
    p = np.random.default_rng(n).random(n)
    assert len(score_bins(p, p > 0.5)) == bins


def test_bins_count_patients() -> None:
    p = np.repeat(np.random.default_rng(0).random(40), 10)
    assert score_bins(p, p > 0.5) and not score_bins(p, p > 0.5, cluster=np.repeat(np.arange(40), 10))
    rng = np.random.default_rng(1)
    level = np.repeat(rng.random(150), 4)
    p = np.clip(level + rng.normal(0, 0.05, 600), 0, 1)
    truth, names = np.repeat(rng.random(150), 4) < level, np.repeat(np.arange(150), 4)
    width = {
        kind: sum(b.observed_high - b.observed_low for b in score_bins(p, truth, cluster=cluster)[:7])
        for kind, cluster in (("images", None), ("patients", names))
    }
    assert len(score_bins(p, truth, cluster=names)) == 7
    assert width["patients"] > 1.2 * width["images"] * 7 / 10


def test_scores_of_two_values_have_no_bins() -> None:
    assert score_bins(np.arange(400) % 2 * 0.5, np.arange(400) % 3 == 0) == []


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


def test_the_point_is_that_of_stats() -> None:
    rng = np.random.default_rng(0)
    p, truth = rng.random(100), rng.random(100) < 0.5
    names = np.arange(100) // 2
    point, note = point_of(p, truth, "sensitivity>=0.9", cluster=names)
    expected = operating_point(truth, p, rule="sensitivity>=0.9", cluster=names)
    assert (point.threshold, note) == (expected.threshold, "")
    assert point.figures["specificity"] == expected.specificity.as_dict()


@pytest.mark.parametrize(
    ("truth", "reason"), [([1, 1], "every tuning case has"), ([0, 0], "lacks"), ([], "no tuning case")]
)
def test_one_sided_tuning_cases_give_one_half_and_say_so(truth: list[int], reason: str) -> None:
    point, note = point_of(np.full(len(truth), 0.3), np.array(truth, bool), "youden")
    assert point.threshold == 0.5 and point.figures == {} and reason in note
