from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from overread.stats.roc import auc, partial_auc, roc_curve

scored = (
    st.lists(st.tuples(st.booleans(), st.integers(-6, 6)), min_size=2, max_size=50)
    .map(lambda cases: (np.array([c[0] for c in cases]), np.array([c[1] / 3 for c in cases])))
    .filter(lambda arrays: arrays[0].any() and not arrays[0].all())
)


@given(scored, st.floats(0.01, 1))
def test_agrees_with_scikit_learn(cases: tuple[NDArray, NDArray], rate: float) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    y, s = cases
    found = partial_auc(y, s, fpr=rate, standardised=True, resamples=20)
    assert found.estimate == pytest.approx(metrics.roc_auc_score(y, s, max_fpr=rate), abs=1e-9)


@given(scored, st.floats(0, 0.9), st.floats(0.05, 1))
def test_is_the_integral_of_the_curve(cases: tuple[NDArray, NDArray], low: float, width: float) -> None:
    y, s = cases
    high = min(1.0, low + width)
    curve = roc_curve(y, s)
    x = np.unique(np.concatenate([[low, high], np.clip(curve.false_positive_rate, low, high)]))
    # Between two neighbouring points the curve is straight; the middle avoids its vertical steps.
    middle = np.interp((x[1:] + x[:-1]) / 2, curve.false_positive_rate, curve.sensitivity)
    expected = float(np.sum(np.diff(x) * middle))
    found = partial_auc(y, s, fpr=(low, high), resamples=20)
    assert found.estimate == pytest.approx(expected, abs=1e-9)
    assert partial_auc(y, s, specificity=(1 - high, 1 - low), resamples=20).estimate == pytest.approx(
        expected, abs=1e-9
    )
    # The same part seen from the other axis, with the classes exchanged.
    flipped = partial_auc(~y, -s, sensitivity=(1 - high, 1 - low), resamples=20)
    assert flipped.estimate == pytest.approx(expected, abs=1e-9)
    assert (flipped.low, flipped.high) == pytest.approx((found.low, found.high), abs=1e-9)


@given(scored)
def test_the_whole_range_is_the_auc(cases: tuple[NDArray, NDArray]) -> None:
    y, s = cases
    area = auc(y, s).estimate
    for arguments in ({"fpr": (0, 1)}, {"sensitivity": 0.0}, {"specificity": (1, 0)}):
        for standardised in (False, True):
            found = partial_auc(y, s, standardised=standardised, resamples=10, **arguments)  # type: ignore[arg-type]
            assert found.estimate == pytest.approx(area)


def test_published_scale() -> None:
    """McClish: a perfect score has 1, a worthless one 0.5, whatever the range."""
    y = np.arange(40) >= 20
    for bounds in ((0, 0.1), (0.2, 0.7)):
        assert partial_auc(y, y, fpr=bounds, standardised=True, resamples=10).estimate == pytest.approx(1)
        assert partial_auc(
            y, np.zeros(40), fpr=bounds, standardised=True, resamples=10
        ).estimate == pytest.approx(0.5)
        width = bounds[1] - bounds[0]
        assert partial_auc(y, y, fpr=bounds, resamples=10).estimate == pytest.approx(width)


def test_perfect_separation_is_uncertain() -> None:
    y = np.arange(40) >= 20
    wilson = 20 / (20 + 1.959963984540054**2)
    found = partial_auc(y, y, fpr=(0, 0.1), resamples=10)
    assert (found.estimate, found.low, found.high) == pytest.approx((0.1, 0.1 * wilson, 0.1))
    scaled = partial_auc(y, y, fpr=(0, 0.1), standardised=True, resamples=10)
    assert (scaled.estimate, scaled.high) == pytest.approx((1, 1)) and 0.5 < scaled.low < 1
    worst = partial_auc(~y, y, fpr=(0, 0.1), resamples=10)
    assert (worst.estimate, worst.low) == (0, 0) and worst.high == pytest.approx(0.1 * (1 - wilson))
    clustered = partial_auc(y, y, fpr=0.1, cluster=np.arange(40) // 4, resamples=10)
    assert clustered.low == pytest.approx(0.1 * 5 / (5 + 1.959963984540054**2))


def test_bootstrap_of_the_whole_range_agrees_with_delong() -> None:
    generator = np.random.default_rng(0)
    y = generator.random(400) < 0.4
    s = np.round(generator.normal(size=400) + 1.2 * y, 1)
    found, exact = partial_auc(y, s, fpr=1.0), auc(y, s)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=0.006)
    part = partial_auc(y, s, fpr=0.2, standardised=True)
    assert part.low < part.estimate < part.high and part.high - part.low > found.high - found.low


def test_interval_covers_95_percent() -> None:
    from scipy.integrate import quad
    from scipy.stats import norm

    truth = quad(lambda f: norm.sf(norm.isf(f) - 1.5), 0, 0.3)[0]
    generator = np.random.default_rng(1)
    y, hits, repeats = np.arange(200) < 90, 0, 400
    for repeat in range(repeats):
        found = partial_auc(y, generator.normal(size=200) + 1.5 * y, fpr=0.3, resamples=300, seed=repeat)
        hits += found.low <= truth <= found.high
    assert 0.925 <= hits / repeats <= 0.975


def test_clusters() -> None:
    generator = np.random.default_rng(2)
    y = generator.random(60) < 0.5
    s = np.round(generator.normal(size=60) + y, 1)
    once = partial_auc(y, s, fpr=0.2, cluster=np.arange(60), resamples=200)
    copied = partial_auc(
        np.repeat(y, 3), np.repeat(s, 3), fpr=0.2, cluster=np.repeat(np.arange(60), 3), resamples=200
    )
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high)) and copied.n == 60


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({}, "expected one range"),
        ({"fpr": 0.1, "sensitivity": 0.9}, "expected one range"),
        ({"fpr": (0.3, 0.3)}, "from < to"),
        ({"specificity": (90, 100)}, "from < to"),
        ({"fpr": (0, 0.1, 0.2)}, "one or two numbers"),
        ({"fpr": np.nan}, "one or two numbers"),
    ],
)
def test_bad_ranges(arguments: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        partial_auc([0, 1], [0.1, 0.2], **arguments)
