from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics.pairwise import rbf_kernel

from overread.stats.drift import median_distance, mmd


def test_worked_example() -> None:
    """Three and three numbers, sigma 1, kernel exp(-d^2 / 2), worked by hand."""
    x, y = [0, 1, 2], [1, 2, 4]
    assert mmd(x, y, sigma=1.0, biased=True).statistic == pytest.approx(0.222147675, rel=1e-6)
    assert mmd(x, y, sigma=1.0).statistic == pytest.approx(-0.2110332648, rel=1e-6)


@settings(max_examples=25)
@given(
    x=arrays(np.float64, st.tuples(st.integers(2, 9), st.just(3)), elements=st.integers(-3, 3)),
    y=arrays(np.float64, st.tuples(st.integers(2, 9), st.just(3)), elements=st.integers(-3, 3)),
    sigma=st.floats(0.3, 4),
)
def test_agrees_with_the_kernel_of_scikit_learn(x: np.ndarray, y: np.ndarray, sigma: float) -> None:
    kernel = [rbf_kernel(a, b, gamma=1 / (2 * sigma**2)) for a, b in ((x, x), (y, y), (x, y))]
    n, m = len(x), len(y)
    biased = kernel[0].mean() + kernel[1].mean() - 2 * kernel[2].mean()
    off = [(k.sum() - len(k)) / (len(k) * (len(k) - 1)) for k in kernel[:2]]
    assert mmd(x, y, sigma=sigma, biased=True, permutations=0).statistic == pytest.approx(biased, abs=1e-12)
    assert mmd(x, y, sigma=sigma, permutations=0).statistic == pytest.approx(
        sum(off) - 2 * kernel[2].mean(), abs=1e-12
    )
    assert (n, m) == (
        mmd(x, y, sigma=sigma, permutations=0).n_reference,
        mmd(x, y, sigma=sigma, permutations=0).n_current,
    )


def test_permutations_agree_with_re_indexing() -> None:
    """The p-value of one matrix product is that of recomputing the statistic for each relabelling."""
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(25, 2)), generator.normal(0.6, 1, (20, 2))
    found = mmd(x, y, sigma=1.0, permutations=2000)
    pooled = np.concatenate([x, y])
    values = []
    for _ in range(2000):
        order = generator.permutation(45)
        values.append(mmd(pooled[order[:25]], pooled[order[25:]], sigma=1.0, permutations=0).statistic)
    by_hand = (1 + np.count_nonzero(np.array(values) >= found.statistic)) / 2001
    assert found.p_value == pytest.approx(by_hand, abs=0.015)


def test_blocks_give_the_same_as_one_kernel() -> None:
    generator = np.random.default_rng(1)
    x, y = generator.normal(50, 1, (1500, 4)), generator.normal(50.1, 1, (1200, 4))
    kernel = rbf_kernel(np.concatenate([x, y]), gamma=0.5)
    n = len(x)
    biased = kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()
    assert mmd(x, y, sigma=1.0, biased=True, permutations=0).statistic == pytest.approx(biased, abs=1e-10)


def test_median_heuristic() -> None:
    x = np.random.default_rng(2).normal(size=(200, 3))
    d = np.sqrt(((x[:, None] - x) ** 2).sum(-1))[np.triu_indices(200, 1)]
    assert median_distance(x) == pytest.approx(np.median(d))
    assert median_distance(np.zeros((10, 2))) == 1.0
    assert median_distance(np.random.default_rng(3).normal(size=5000)) == pytest.approx(0.954, abs=0.05)


def test_identical_and_constant_data_are_never_flagged() -> None:
    x = np.random.default_rng(4).normal(size=(100, 3))
    assert mmd(x, x[::-1]).p_value > 0.99
    assert mmd(np.zeros(30), np.zeros(40)).p_value == 1
    assert mmd(np.zeros(30), np.zeros(40)).statistic == pytest.approx(0, abs=1e-12)


def test_level_and_power() -> None:
    generator = np.random.default_rng(5)
    same = [
        mmd(generator.normal(size=(30, 2)), generator.normal(size=(30, 2)), permutations=99, seed=k).p_value
        for k in range(300)
    ]
    assert 0.02 <= np.mean(np.array(same) <= 0.05) <= 0.085
    # Equal means and variances, different dependence: no single feature shows it.
    z = generator.normal(size=(400, 2))
    twisted = np.column_stack([z[:, 0], 0.9 * z[:, 0] + np.sqrt(0.19) * z[:, 1]])
    assert mmd(z, generator.permutation(twisted), permutations=200).p_value < 0.01


def test_interval_covers_a_shift() -> None:
    """Squared discrepancy of N(0, 1) and N(1, 1) with sigma 1 has a closed form."""
    truth = 2 / np.sqrt(3) * (1 - np.exp(-1 / 6))
    generator, hits = np.random.default_rng(6), 0
    for k in range(400):
        effect = mmd(
            generator.normal(size=80), generator.normal(1, 1, 100), sigma=1.0, permutations=0, seed=k
        ).effect
        hits += effect.low <= truth <= effect.high
    assert 0.92 <= hits / 400 <= 0.98


@pytest.mark.parametrize(
    ("arguments", "options", "match"),
    [
        (([1.0], [1.0, 2.0]), {}, "two or more"),
        (([1.0, np.nan], [1.0, 2.0]), {}, "NaN"),
        (([[1.0, 2.0]] * 3, [[1.0]] * 3), {}, "features"),
        (([1.0, 2.0], [1.0, 2.0]), {"sigma": 0.0}, "sigma"),
        (([1.0, 2.0], [1.0, 2.0]), {"sigma": 1.0, "biased": False, "permutations": -1}, "permutations"),
        (([], [1.0]), {}, "empty"),
    ],
)
def test_what_cannot_be(arguments: tuple, options: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        mmd(*arguments, **options)


def test_one_row_biased() -> None:
    found = mmd([0.0], [1.0, 2.0], sigma=1.0, biased=True)
    by_hand = 1 + (2 + 2 * np.exp(-0.5)) / 4 - (np.exp(-0.5) + np.exp(-2))
    assert found.statistic == pytest.approx(by_hand)
