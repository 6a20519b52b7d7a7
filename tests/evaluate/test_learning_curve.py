"""The learning curve: exact on a power law, and a band that holds the truth where it can be known."""

from __future__ import annotations

import numpy as np
import pytest

from overread.evaluate.learning_curve import fit_curve, sizes

N = np.repeat([20, 40, 80, 160, 320], 3)


def law(n: np.ndarray) -> np.ndarray:
    return 0.95 - 0.6 * n**-0.4


def test_a_power_law_is_found() -> None:
    found = fit_curve(N, law(N), at=[20, 320, 640])
    np.testing.assert_allclose(found.curve, law(np.array([20, 320, 640])), atol=2e-3)
    assert found.end == pytest.approx(0.95, abs=0.02)


def test_of_an_error_less_is_better() -> None:
    found = fit_curve(N, 1 - law(N), at=[320, 1280], lower=True)
    assert found.curve[1] < found.curve[0] and found.end == pytest.approx(0.05, abs=0.02)


def test_the_band_holds_the_truth() -> None:
    held = []
    for seed in range(40):
        noisy = law(N) + np.random.default_rng(seed).normal(0, 0.01, len(N))
        found = fit_curve(N, noisy, at=[320, 640])
        assert (found.low <= found.curve).all() and (found.curve <= found.high).all()
        held.append((found.low <= law(found.patients)) & (law(found.patients) <= found.high))
    assert np.mean(held, axis=0)[0] >= 0.75
    assert (found.high - found.low)[1] > (found.high - found.low)[0]


def test_where_more_do_not_help_the_curve_is_flat() -> None:
    found = fit_curve(N, 0.9 - 0.0001 * N / 100, at=[320, 1280])
    assert found.gain == 0 and found.curve[0] == found.curve[1]
    with pytest.raises(ValueError, match="2 different numbers"):
        fit_curve([10, 20], [0.5, 0.6], at=[40])


def test_sizes_grow_by_the_same_factor() -> None:
    assert sizes(500) == [50, 89, 158, 281, 500] and sizes(5) == [4, 5]
