from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import expon, kstest, norm

from overread.stats.drift import ks_one_sample


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=40), st.sampled_from(["two-sided", "less", "greater"]))
def test_agrees_with_scipy(values, alternative) -> None:  # type: ignore[no-untyped-def]
    found = ks_one_sample(values, norm(0.2, 1.5).cdf, alternative=alternative)
    theirs = kstest(values, norm(0.2, 1.5).cdf, alternative=alternative)
    assert (found.statistic, found.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))


def test_level_and_power() -> None:
    generator = np.random.default_rng(0)
    same = [ks_one_sample(generator.exponential(size=40), expon.cdf).p_value for _ in range(500)]
    other = [ks_one_sample(generator.gamma(3, 1 / 3, 40), expon.cdf).p_value for _ in range(200)]
    assert np.mean(np.array(same) < 0.05) <= 0.08 and np.mean(np.array(other) < 0.05) > 0.5


def test_a_function_that_is_no_distribution_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        ks_one_sample([0.0, 2.0], lambda x: x)
