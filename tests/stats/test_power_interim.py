"""Half-way and afterwards: conditional power, estimates after stopping, sizes from a pilot."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from overread.stats.power import (
    auc_difference_from_pilot,
    conditional_power,
    estimate_after_stopping,
    group_sequential,
)
from overread.stats.roc import delong_test


def test_conditional_power_by_simulation() -> None:
    generator = np.random.default_rng(0)
    rest = generator.normal(2.5 * 0.4, np.sqrt(0.4), 200_000)
    final = 1.2 * np.sqrt(0.6) + rest
    found = conditional_power(z=1.2, information=0.6, effect="planned", drift=2.5)
    assert found.power.estimate == pytest.approx(float(np.mean(final >= 1.959964)), abs=0.004)


def test_power_of_the_trend_and_without_effect() -> None:
    trend = conditional_power(z=1.5, information=0.5)
    assert trend.drift == pytest.approx(1.5 / np.sqrt(0.5))
    assert trend.power.estimate == pytest.approx(norm.cdf((1.5 / np.sqrt(0.5) - 1.959964) / np.sqrt(0.5)))
    assert trend.power.low < trend.predictive < trend.power.high
    null = conditional_power(z=1.5, information=0.5, effect="null")
    assert null.power.estimate < trend.power.estimate
    with pytest.raises(ValueError, match="give drift"):
        conditional_power(z=1.5, information=0.5, effect="planned")


def test_a_trial_of_one_look_is_estimated_plainly() -> None:
    design = group_sequential(looks=1, alpha=0.05, sided=2)
    found = estimate_after_stopping(design, look=1, z=2.2)
    assert found.effect.estimate == pytest.approx(2.2, abs=1e-8)
    assert (found.effect.low, found.effect.high) == pytest.approx((2.2 - 1.959964, 2.2 + 1.959964), abs=1e-6)
    assert found.bias_adjusted == pytest.approx(2.2, abs=1e-6) and found.p_value == pytest.approx(
        norm.sf(2.2)
    )


def test_after_stopping_limits_cover_and_the_plain_estimate_exaggerates() -> None:
    design = group_sequential(looks=3, design="pocock", alpha=0.05, sided=2, power=0.9)
    t, upper = np.array(design.information), np.array(design.efficacy)
    generator = np.random.default_rng(1)
    drift, found = 2.2, []
    for _ in range(120):
        z = generator.normal(drift / 3, np.sqrt(1 / 3), 3).cumsum() / np.sqrt(t)
        look = next((k for k in range(3) if abs(z[k]) >= upper[k]), 2)
        found.append(estimate_after_stopping(design, look=look + 1, z=float(z[look])))
    assert 0.9 <= np.mean([f.effect.low <= drift <= f.effect.high for f in found]) <= 0.98
    assert 0.35 <= np.mean([f.effect.estimate < drift for f in found]) <= 0.65
    naive, adjusted = np.mean([[f.naive, f.bias_adjusted] for f in found], axis=0)
    assert naive - adjusted > 0.1 and abs(adjusted - drift) < 0.3


def test_the_lower_limit_excludes_nothing_that_the_bound_rejects() -> None:
    """On the bound itself the one-sided p-value is the alpha spent until that look."""
    design = group_sequential(looks=4, alpha=0.025)
    found = estimate_after_stopping(design, look=3, z=design.efficacy[2])
    assert found.p_value == pytest.approx(design.alpha_spent[2], rel=1e-6)


def test_a_trial_that_would_have_gone_on_is_refused() -> None:
    design = group_sequential(looks=4, alpha=0.025)
    with pytest.raises(ValueError, match="goes on between"):
        estimate_after_stopping(design, look=2, z=1.0)
    with pytest.raises(ValueError, match="expected 1 to 4"):
        estimate_after_stopping(design, look=5, z=3.0)


def test_sizes_from_a_pilot_reach_their_power() -> None:
    generator = np.random.default_rng(2)
    y = generator.random(150) < 0.4
    shared = generator.normal(size=150)
    one, two = shared + 1.2 * y, shared + 0.5 * generator.normal(size=150) + 0.7 * y
    own = delong_test(y, one, two)
    same = auc_difference_from_pilot(y, one, two, positives=float(y.sum()))
    assert same.power == pytest.approx(norm.cdf(abs(own.statistic) - norm.ppf(0.975)))
    sized = auc_difference_from_pilot(y, one, two, power=0.9)
    assert sized.power is not None and sized.power >= 0.9
    assert sized.groups["negative"] / sized.groups["positive"] == pytest.approx(
        (~y).sum() / y.sum(), abs=0.05
    )
    with pytest.raises(ValueError, match="no difference in the direction"):
        auc_difference_from_pilot(y, two, one, alternative="greater")
