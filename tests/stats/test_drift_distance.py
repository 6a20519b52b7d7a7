from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import energy_distance, ks_2samp, norm, wasserstein_distance

from overread.stats.drift import energy, ks, wasserstein

few = st.lists(st.integers(-3, 3), min_size=1, max_size=25)
weights = st.lists(st.floats(0.1, 5), min_size=25, max_size=25)


@pytest.mark.filterwarnings("ignore:ks_2samp")
@settings(max_examples=30)
@given(x=few, y=few)
def test_distances_agree_with_scipy(x: list[int], y: list[int]) -> None:
    """With ties, with one row, and with all values equal."""
    found, theirs = ks(x, y), ks_2samp(x, y, method="auto")
    assert found.statistic == pytest.approx(theirs.statistic)
    assert found.p_value == pytest.approx(theirs.pvalue)
    assert wasserstein(x, y, resamples=20).statistic == pytest.approx(wasserstein_distance(x, y))
    assert energy(x, y, resamples=20).statistic == pytest.approx(energy_distance(x, y), abs=1e-9)


@settings(max_examples=30)
@given(x=few, y=few, wx=weights, wy=weights)
def test_weighted_distances_agree_with_scipy(
    x: list[int], y: list[int], wx: list[float], wy: list[float]
) -> None:
    wx, wy = wx[: len(x)], wy[: len(y)]
    w = {"reference_weights": wx, "current_weights": wy, "resamples": 20}
    assert wasserstein(x, y, **w).statistic == pytest.approx(wasserstein_distance(x, y, wx, wy))
    assert energy(x, y, **w).statistic == pytest.approx(energy_distance(x, y, wx, wy), abs=1e-9)
    whole = ks(np.repeat(x, 2), y, resamples=20).statistic
    assert ks(x, y, reference_weights=[2.0] * len(x), resamples=20).statistic == pytest.approx(whole)


def test_permutation_agrees_with_the_exact_test() -> None:
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=60), generator.normal(0.5, 1, 50)
    exact = ks(x, y).p_value
    permuted = ks(x, y, method="permutation", resamples=20_000).p_value
    assert permuted == pytest.approx(exact, abs=0.005)
    assert ks(x, y, method="asymptotic").p_value == pytest.approx(exact, abs=0.02)


def test_energy_coefficient_by_brute_force() -> None:
    generator = np.random.default_rng(1)
    x, y = generator.normal(size=30), generator.normal(1, 2, 40)
    xy = np.abs(x[:, None] - y).mean()
    xx, yy = np.abs(x[:, None] - x).mean(), np.abs(y[:, None] - y).mean()
    found = energy(x, y)
    assert found.statistic**2 == pytest.approx(2 * xy - xx - yy)
    assert found.effect.estimate == pytest.approx((2 * xy - xx - yy) / (2 * xy))


@pytest.mark.parametrize("test", [ks, wasserstein, energy])
def test_identical_data_are_never_flagged(test) -> None:  # type: ignore[no-untyped-def]
    generator = np.random.default_rng(2)
    for values in (generator.normal(size=500), np.zeros(50), np.repeat([1.0, 2.0], 30)):
        found = test(values, generator.permutation(values))
        assert found.statistic == pytest.approx(0, abs=1e-12)
        assert found.p_value == 1 and found.effect.estimate == pytest.approx(0, abs=1e-12)
        assert found.effect.low == 0


@pytest.mark.parametrize("test", [ks, wasserstein, energy])
def test_level_where_nothing_differs(test) -> None:  # type: ignore[no-untyped-def]
    generator = np.random.default_rng(3)
    flagged = [
        test(generator.normal(size=60), generator.normal(size=40), resamples=199, seed=k).p_value <= 0.05
        for k in range(300)
    ]
    assert 0.01 <= np.mean(flagged) <= 0.09


def test_the_effect_does_not_grow_with_the_number_of_rows() -> None:
    """A shift of a twentieth of a standard deviation: certain with many rows, and still as small."""
    generator = np.random.default_rng(4)
    many = ks(generator.normal(size=100_000), generator.normal(0.05, 1, 100_000))
    assert many.p_value < 1e-6 and many.effect.estimate < 0.03
    assert wasserstein(
        10 * generator.normal(size=20_000), 10 * generator.normal(0.05, 1, 20_000), resamples=50
    ).effect.estimate == pytest.approx(0.05, abs=0.03)


@pytest.mark.parametrize("shift", [0.0, 0.8])
def test_intervals_cover(shift: float) -> None:
    """Two normal samples; the band of the largest gap holds with at least the confidence."""
    generator, hits = np.random.default_rng(5), np.zeros(2)
    truth = (2 * norm.cdf(shift / 2) - 1, shift)
    for k in range(300):
        x, y = generator.normal(size=120), generator.normal(shift, 1, 150)
        for j, test in enumerate((ks, wasserstein)):
            effect = test(x, y, resamples=250, seed=k).effect
            hits[j] += effect.low <= truth[j] <= effect.high
    assert hits[0] / 300 >= 0.93 and 0.92 <= hits[1] / 300 <= 0.98


def test_few_rows_say_so() -> None:
    assert "only 8 rows" in ks(np.arange(8.0), np.arange(100.0)).note
    one = wasserstein([1.0], [2.0, 3.0])
    assert one.effect.low == 0 and np.isinf(one.effect.high)
    constant = wasserstein([1.0] * 30, [2.0] * 30)
    assert "constant" in constant.note and constant.effect.estimate == 1


@pytest.mark.parametrize("test", [ks, wasserstein, energy])
@pytest.mark.parametrize(
    ("x", "y", "match"),
    [
        ([], [1.0], "empty"),
        ([1.0, np.nan], [1.0], "NaN"),
        ([1.0], [[1.0]], r"\(1, 1\)"),
    ],
)
def test_what_cannot_be(test, x: list, y: list, match: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=match):
        test(x, y)


def test_unknown_method() -> None:
    with pytest.raises(ValueError, match="permutation"):
        ks([1.0], [2.0], method="bayes")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="resamples"):
        wasserstein([1.0, 2.0], [2.0, 3.0], resamples=0)
