"""What a score meant: limits of the calibration curve that cover it, and none where the cases cannot give any."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit

from overread.evaluate.meaning import CONFIDENCE, STEPS, curve, limits, score_bins


def _drawn(generator: np.random.Generator, n: int, slope: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    """Scores of a model that is too sure by ``1 / slope``."""
    z = generator.normal(0, 2, n)
    return expit(z), generator.random(n) < expit(slope * z - 0.3)


def _held(parts: list, score: float, true: float) -> bool:
    part = next(p for p in parts if p.low <= score <= p.high)
    return bool(part.observed_low <= true <= part.observed_high)


@pytest.mark.parametrize("n", [60, 200, 1000])
def test_the_curve_is_covered_at_the_score(n: int) -> None:
    generator = np.random.default_rng(n)
    held = []
    for _ in range(200):
        parts, why = score_bins(*_drawn(generator, n))
        assert not why
        held += [_held(parts, s, float(expit(0.6 * logit(s) - 0.3))) for s in (0.03, 0.3, 0.8, 0.97)]
    assert np.mean(held) >= CONFIDENCE - 0.02


def test_it_is_covered_by_patients() -> None:
    """Ten images of each of 50 patients that share one truth: by images the limits would hold far less often."""
    generator = np.random.default_rng(0)
    held = {"patients": [], "images": []}
    names = np.repeat(np.arange(50), 10)
    for _ in range(150):
        z = generator.normal(0, 2, 50)
        truth = np.repeat(generator.random(50) < expit(0.6 * z - 0.3), 10)
        score = expit(np.repeat(z, 10) + generator.normal(0, 0.05, 500))
        for kind, cluster in (("patients", names), ("images", None)):
            parts, _ = score_bins(score, truth, cluster=cluster)
            held[kind] += [_held(parts, s, float(expit(0.6 * logit(s) - 0.3))) for s in (0.2, 0.5, 0.8)]
    assert np.mean(held["patients"]) >= CONFIDENCE - 0.03
    assert np.mean(held["images"]) < 0.7


def test_it_agrees_with_statsmodels() -> None:
    score, truth = _drawn(np.random.default_rng(3), 300)
    x = logit(score)
    yes, no = truth.sum(), (~truth).sum()
    target = np.where(truth, (yes + 1) / (yes + 2), 1 / (no + 2))
    fitted = sm.GLM(target, sm.add_constant(x), family=sm.families.Binomial()).fit()
    beta, covariance, _ = curve(x, truth, None)
    assert beta == pytest.approx(fitted.params, rel=1e-6)
    # Fractions of one case each: the binomial dispersion is 1.
    assert covariance == pytest.approx(fitted.cov_params(), rel=1e-4)
    at = np.array([-2.0, 1.0])
    wanted = fitted.get_prediction(sm.add_constant(at, has_constant="add")).linpred.se
    low, high = limits(at, beta, covariance, 1.0)
    assert (logit(high) - logit(low)) / 2 == pytest.approx(wanted, rel=1e-4)


def test_steps_hold_every_score_once() -> None:
    parts, _ = score_bins(*_drawn(np.random.default_rng(1), 100))
    assert (parts[0].low, parts[-1].high) == (0, 1) and len(parts) == len(STEPS) - 1
    assert all(a.high == b.low for a, b in itertools.pairwise(parts))
    assert all(0 <= p.observed_low < p.observed_high <= 1 and p.cases == 100 for p in parts)


def test_separated_cases_keep_a_finite_curve() -> None:
    score = np.concatenate([np.linspace(0.01, 0.2, 20), np.linspace(0.8, 0.99, 20)])
    parts, why = score_bins(score, np.arange(40) >= 20)
    middle = next(p for p in parts if p.low <= 0.5 <= p.high)
    assert not why and middle.observed_low < 0.35 and middle.observed_high > 0.65


@pytest.mark.parametrize(
    ("score", "truth", "cluster", "reason"),
    [
        (np.linspace(0, 1, 36), np.arange(36) >= 27, None, "9 tuning patients with it and 27 without"),
        (np.linspace(0, 1, 90), np.arange(90) >= 45, np.arange(90) // 10, "5 tuning patients with it"),
        (np.full(40, 0.3), np.arange(40) >= 20, None, "the same score"),
        (np.linspace(1, 0, 40), np.arange(40) >= 20, None, "no more often right"),
    ],
)
def test_none_where_the_cases_cannot_give_it(score, truth, cluster, reason: str) -> None:
    parts, why = score_bins(score, truth, cluster=cluster)
    assert parts == [] and reason in why
