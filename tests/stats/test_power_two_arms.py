from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest
from statsmodels.stats.power import NormalIndPower, TTestIndPower
from statsmodels.stats.proportion import power_proportions_2indep, proportion_effectsize

from overread.stats.power import (
    discordant_proportions,
    equivalence_means,
    equivalence_proportions,
    noninferiority_means,
    noninferiority_proportions,
    paired_noninferiority,
    paired_proportions,
    superiority_means,
    superiority_proportions,
    two_means,
    two_proportions,
)


def test_two_proportions_as_in_r() -> None:
    """power.prop.test(p1 = .3, p2 = .2, power = .8): 293.15129 an arm; an rpact vignette: 303.7 in all."""
    assert two_proportions(p1=0.3, p2=0.2, round_up=False).n_per_group == pytest.approx(293.15129, rel=1e-6)
    rpact = two_proportions(p1=0.4, p2=0.25, alpha=0.025, alternative="greater", round_up=False)
    assert rpact.n == pytest.approx(303.7, abs=0.05)
    assert two_proportions(p1=0.3, p2=0.2).groups == {"arm 1": 294, "arm 2": 294}
    # Casagrande, Pike and Smith: 313 an arm with the continuity correction.
    assert two_proportions(p1=0.3, p2=0.2, method="continuity").n_per_group == 313


@settings(max_examples=30)
@given(
    p1=st.floats(0.05, 0.95),
    p2=st.floats(0.05, 0.95),
    ratio=st.sampled_from([0.5, 1.0, 2.0]),
    n=st.integers(40, 800),
)
def test_two_proportions_agree_with_statsmodels(p1: float, p2: float, ratio: float, n: int) -> None:
    if abs(p1 - p2) < 0.02:
        return
    ours = two_proportions(p1=p1, p2=p2, n=n, ratio=ratio, method="arcsine")
    size = ours.groups["arm 1"]
    theirs = NormalIndPower().power(proportion_effectsize(p1, p2), size, 0.05, ratio=1 / ratio)
    assert ours.power == pytest.approx(theirs, abs=1e-9)
    pooled = two_proportions(p1=p1, p2=p2, n=n, ratio=ratio, strict=True)
    found = power_proportions_2indep(p1 - p2, p2, size, ratio=1 / ratio, return_results=True)
    assert pooled.power == pytest.approx(found.power, abs=1e-9)


def test_two_means_as_in_r() -> None:
    """power.t.test(n = 20, delta = 1, sd = 1): .8689528; delta 1 and sd 2 at power .8: 63.76576 an arm."""
    assert two_means(difference=1, sd=1, n=40).power == pytest.approx(0.8689528, abs=1e-7)
    assert two_means(difference=1, sd=2, round_up=False).n_per_group == pytest.approx(63.76576, abs=1e-5)


@settings(max_examples=30)
@given(effect=st.floats(0.2, 1.5), ratio=st.sampled_from([0.5, 1.0, 3.0]), power=st.floats(0.5, 0.95))
def test_two_means_agree_with_statsmodels(effect: float, ratio: float, power: float) -> None:
    ours = two_means(difference=effect, sd=1.0, power=power, ratio=ratio, strict=True, round_up=False)
    theirs = TTestIndPower().power(effect, ours.groups["arm 1"], 0.05, ratio=1 / ratio)
    assert theirs == pytest.approx(power, abs=1e-6)


def test_rounded_numbers_keep_the_power() -> None:
    for ratio in (0.5, 1.0, 2.0):
        assert (two_proportions(p1=0.6, p2=0.5, power=0.9, ratio=ratio).power or 0) >= 0.9
        assert (two_means(difference=0.4, sd=1.0, power=0.9, ratio=ratio).power or 0) >= 0.9


def test_noninferiority_and_equivalence() -> None:
    """Chow, Shao and Wang 2008, p. 90; Machin et al. 2009, p. 113; numbers of epiR."""
    found = noninferiority_proportions(treatment=0.85, control=0.65, margin=0.1)
    assert found.n == 50 and found.groups == {"treatment": 25, "control": 25}
    small = noninferiority_proportions(treatment=0.85, control=0.65, margin=0.1, n=40)
    assert small.power == pytest.approx(0.728043434325, rel=1e-6)
    fraction = noninferiority_proportions(treatment=0.4, control=0.4, margin=0.1, power=0.3, round_up=False)
    assert fraction.n == pytest.approx(120.519857397, rel=1e-6)
    assert equivalence_proportions(treatment=0.5, control=0.5, margin=0.2, alpha=0.1).n == 166
    assert superiority_proportions(treatment=0.85, control=0.65, margin=0.05).n == 196


def test_noninferiority_and_equivalence_of_means() -> None:
    """Chow, Shao and Wang 2008, p. 61 to 64; Machin et al. 2009, p. 113; numbers of epiR."""
    assert noninferiority_means(treatment=0.2, control=0.2, sd=0.1, margin=0.05).n == 100
    assert equivalence_means(treatment=94, control=96, sd=8, margin=5).n == 244
    assert equivalence_means(treatment=20, control=21, sd=10, margin=5).n == 216
    assert equivalence_means(treatment=0.2, control=0.21, sd=0.1, margin=0.05, n=150).power == pytest.approx(
        0.58, abs=0.005
    )
    assert superiority_means(treatment=1.0, control=0.0, sd=1.0, alpha=0.025).n == 32


def test_lower_can_be_better() -> None:
    rate = noninferiority_proportions(treatment=0.15, control=0.35, margin=0.1, higher_is_better=False)
    assert rate.n == noninferiority_proportions(treatment=0.85, control=0.65, margin=0.1).n


def test_ratio_of_the_arms() -> None:
    found = noninferiority_proportions(treatment=0.8, control=0.8, margin=0.1, ratio=2.0)
    assert found.groups["treatment"] == 2 * found.groups["control"]
    assert (found.power or 0) >= 0.8
    again = noninferiority_proportions(treatment=0.8, control=0.8, margin=0.1, n=found.n, ratio=2.0)
    assert again.power == pytest.approx(found.power)


def test_mcnemar() -> None:
    """Machin et al. 2009, table for discordant shares: Connor's formula by hand, and more for the exact test."""
    z, zb, psi, d = 1.959964, 0.841621, 0.35, 0.15
    by_hand = (z * psi**0.5 + zb * (psi - d**2) ** 0.5) ** 2 / d**2
    assert paired_proportions(p10=0.25, p01=0.1).n == np.ceil(by_hand)
    exact = paired_proportions(p10=0.25, p01=0.1, method="exact")
    assert exact.n > paired_proportions(p10=0.25, p01=0.1, method="miettinen").n
    assert (exact.power or 0) >= 0.8


def test_exact_mcnemar_by_brute_force() -> None:
    n, p10, p01 = 30, 0.3, 0.1
    power = 0.0
    for m in range(1, n + 1):
        for b in range(m + 1):
            if binomtest(b, m, 0.5).pvalue <= 0.05:
                power += binom.pmf(m, n, p10 + p01) * binom.pmf(b, m, p10 / (p10 + p01))
    found = paired_proportions(p10=p10, p01=p01, n=n, method="exact")
    assert found.power == pytest.approx(power, abs=1e-10)


def test_discordant_shares() -> None:
    p10, p01 = discordant_proportions(p1=0.9, p2=0.8, correlation=0.3)
    assert p10 - p01 == pytest.approx(0.1)
    both = 0.9 - p10
    assert (both - 0.72) / (0.09 * 0.16) ** 0.5 == pytest.approx(0.3)
    with pytest.raises(ValueError, match="cannot occur"):
        discordant_proportions(p1=0.9, p2=0.5, correlation=0.9)


def test_paired_noninferiority_by_simulation() -> None:
    planned = paired_noninferiority(p10=0.1, p01=0.1, margin=0.05, alpha=0.025)
    n, generator = int(planned.n), np.random.default_rng(1)
    counts = generator.multinomial(n, [0.1, 0.1, 0.8], 4000)
    d = (counts[:, 0] - counts[:, 1]) / n
    se = np.sqrt((counts[:, 0] + counts[:, 1]) / n - d**2) / np.sqrt(n)
    assert np.mean((d + 0.05) / se > 1.959964) == pytest.approx(0.8, abs=0.025)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: two_proportions(p1=0.3, p2=0.3), "difference is 0"),
        (lambda: two_proportions(p1=0.3, p2=0.2, alternative="less"), "less"),
        (lambda: two_proportions(p1=0.3, p2=1.0), "p2"),
        (lambda: two_proportions(p1=0.3, p2=0.2, ratio=0), "ratio"),
        (lambda: two_proportions(p1=0.3, p2=0.2, n=float("nan")), "n is nan"),
        (lambda: two_means(difference=0.0), "difference is 0"),
        (lambda: two_means(difference=1.0, sd=-1.0), "sd"),
        (lambda: noninferiority_proportions(treatment=0.5, control=0.8, margin=0.1), "violates"),
        (lambda: noninferiority_proportions(treatment=0.8, control=0.8, margin=-0.1), "positive"),
        (lambda: equivalence_means(treatment=5, control=0, sd=1, margin=2), "violates"),
        (lambda: paired_proportions(p10=0.7, p01=0.6), "add up"),
        (lambda: paired_proportions(p10=0.2, p01=0.2), "difference is 0"),
        (lambda: paired_noninferiority(p10=0.1, p01=0.3, margin=0.1), "violates"),
    ],
)
def test_what_cannot_be(call, match: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=match):
        call()
