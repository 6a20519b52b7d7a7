from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit, logit

from overread.stats.calibration import calibration_curve, ici
from overread.stats.calibration.loess import loess


def _cases(n: int, slope: float = 1.0, seed: int = 0) -> tuple[NDArray, NDArray]:
    generator = np.random.default_rng(seed)
    x = 1.5 * generator.normal(size=n)
    return generator.random(n) < expit(slope * x), expit(x)


@given(st.integers(0, 10_000), st.sampled_from([0.3, 0.5, 1.0]), st.sampled_from([0.0, 0.05]))
def test_loess_agrees_with_statsmodels(seed: int, span: float, delta: float) -> None:
    smoothers = pytest.importorskip("statsmodels.nonparametric.smoothers_lowess")
    generator = np.random.default_rng(seed)
    n = int(generator.integers(10, 80))
    # Equal values with exact windows; joined lines with values that no rounding puts on a limit.
    x = generator.random(n) if delta else np.round(generator.random(n), 2)
    y = x + generator.normal(size=n)
    if np.bincount(np.unique(x, return_inverse=True)[1]).max() >= int(span * n) - 1:
        return  # so many equal values that a window has no width
    expected = smoothers.lowess(y, x, frac=span, it=0, delta=delta * np.ptp(x), return_sorted=False)
    # Near its end statsmodels fits once more than Cleveland's program does.
    inner = x <= x.max() - delta * np.ptp(x)
    np.testing.assert_allclose(
        loess(x, y, x, span=span, degree=1, delta=delta)[inner], expected[inner], atol=2e-6
    )


def test_loess_of_a_polynomial_is_the_polynomial() -> None:
    x = np.random.default_rng(1).random(60)
    grid = np.linspace(x.min(), x.max(), 7)
    np.testing.assert_allclose(loess(x, 2 * x - 1, grid, delta=0), 2 * grid - 1)
    np.testing.assert_allclose(loess(x, x**2, x, degree=2, delta=0), x**2, atol=1e-9)
    assert np.abs(loess(x, x**2, x, delta=0) - x**2).max() > 1e-3


def test_loess_by_weighted_least_squares() -> None:
    """At one point: the nearest half, tricube weights, a parabola."""
    generator = np.random.default_rng(2)
    x, y = generator.random(40), generator.random(40)
    point = x[3]
    near = np.argsort(np.abs(x - point))[:20]
    distance = np.abs(x[near] - point)
    w = (1 - (distance / distance.max()) ** 3) ** 3
    fit = np.polynomial.Polynomial.fit(x[near], y[near], 2, w=np.sqrt(w))
    assert loess(x, y, np.array([point]), span=0.5, degree=2, delta=0)[0] == pytest.approx(fit(point))


def test_equal_probabilities_have_their_mean() -> None:
    x, y = np.repeat([0.2, 0.8], 10), np.repeat([0, 1, 1, 1], 5)
    np.testing.assert_allclose(loess(x, y.astype(float), np.array([0.2, 0.8])), [0.5, 1])
    for bad in ({"span": 0}, {"span": 1.5}, {"degree": 3}):
        with pytest.raises(ValueError, match=r"span|degree"):
            loess(x, y.astype(float), x, **bad)


def test_indices_are_of_the_curve() -> None:
    y, p = _cases(400, 0.6)
    found = ici(y, p, resamples=100)
    distance = np.abs(loess(p, y.astype(float), p) - p)
    values = (found.ici, found.e50, found.e90, found.e_max)
    expected = [distance.mean(), np.median(distance), np.quantile(distance, 0.9), distance.max()]
    assert [v.estimate for v in values] == pytest.approx(expected)
    assert all(0 <= v.low < v.high <= 1 for v in values) and found.ici.n == 400
    truth = np.abs(expit(0.6 * logit(p)) - p).mean()
    assert found.ici.low < truth < found.ici.high


@pytest.mark.parametrize("smoother", ["loess", "cox", "isotonic"])
def test_smoothers_agree_on_many_cases(smoother: str) -> None:
    y, p = _cases(6000, 0.5, 3)
    truth = np.abs(expit(0.5 * logit(p)) - p).mean()
    found = ici(y, p, smoother=smoother, span=0.3, degree=2, resamples=4)  # type: ignore[arg-type]
    assert found.ici.estimate == pytest.approx(truth, abs=0.01)
    curve = calibration_curve(y, p, at=[0.2, 0.5, 0.8], smoother=smoother, span=0.3, resamples=30)  # type: ignore[arg-type]
    np.testing.assert_allclose(curve.observed, expit(0.5 * logit([0.2, 0.5, 0.8])), atol=0.05)
    assert (curve.low <= curve.observed + 0.02).all() and (curve.observed <= curve.high + 0.02).all()


def test_curve_limits_cover_95_percent() -> None:
    hits, repeats, at = 0, 60, np.array([0.1, 0.3, 0.6, 0.9])
    for seed in range(repeats):
        y, p = _cases(250, 0.7, seed)
        curve = calibration_curve(y, p, at=at, smoother="cox", resamples=60, seed=seed)
        truth = expit(0.7 * logit(at))
        hits += int(((curve.low <= truth) & (truth <= curve.high)).sum())
    assert 0.9 <= hits / (4 * repeats) <= 0.99


def test_default_grid_stays_where_the_cases_are() -> None:
    y, p = _cases(100)
    curve = calibration_curve(y, p, resamples=10)
    assert (curve.p[0], curve.p[-1], len(curve.p)) == (p.min(), p.max(), 101)
    assert (curve.low >= 0).all() and (curve.high <= 1).all()


def test_whole_clusters_are_drawn() -> None:
    y, p = (np.repeat(a, 4) for a in _cases(60))
    wide = calibration_curve(y, p, at=[0.5], smoother="cox", cluster=np.repeat(np.arange(60), 4))
    narrow = calibration_curve(y, p, at=[0.5], smoother="cox")
    assert wide.observed[0] == narrow.observed[0]
    assert 1.6 < (wide.high[0] - wide.low[0]) / (narrow.high[0] - narrow.low[0]) < 2.5
    assert ici(y, p, smoother="cox", cluster=np.repeat(np.arange(60), 4), resamples=10).ici.n == 60


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"y": [1, 1], "p": [0.1, 0.2]}, "only class 1"),
        ({"y": [0, 1], "p": [0.1, np.nan]}, "NaN"),
        ({"y": [0, 1], "p": [0.1, 0.2], "smoother": "spline"}, "smoother"),
        ({"y": [0, 1], "p": [0.1, 0.2], "smoother": "cox"}, "separates"),
        ({"y": [0, 1], "p": [0.1, 0.2], "span": 2}, "span"),
    ],
)
def test_bad_input(arguments: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        ici(**arguments)
