from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from overread.stats.power import group_sequential, spending_function


@pytest.mark.parametrize(
    ("looks", "pocock", "obf"), [(2, 2.178, 1.977), (3, 2.289, 2.004), (4, 2.361, 2.024), (5, 2.413, 2.040)]
)
def test_constants_of_the_tables(looks: int, pocock: float, obf: float) -> None:
    """Jennison and Turnbull 2000, tables 2.1 and 2.3: two-sided .05."""
    flat = group_sequential(looks=looks, design="pocock", alpha=0.05, sided=2)
    assert flat.efficacy == pytest.approx([pocock] * looks, abs=5.1e-4)
    falling = group_sequential(looks=looks, alpha=0.05, sided=2)
    shape = obf * np.sqrt(looks / np.arange(1, looks + 1))
    assert falling.efficacy == pytest.approx(shape, abs=1.2e-3)


@pytest.mark.parametrize(
    ("looks", "design", "power", "printed"),
    [
        (5, "pocock", 0.8, 1.229),
        (10, "pocock", 0.8, 1.301),
        (5, "obrien-fleming", 0.8, 1.028),
        (5, "obrien-fleming", 0.9, 1.026),
    ],
)
def test_inflation_of_the_tables(looks: int, design: Any, power: float, printed: float) -> None:
    """Jennison and Turnbull 2000, tables 2.2 and 2.4: two-sided, alpha .05, to all printed places."""
    found = group_sequential(looks=looks, design=design, alpha=0.05, sided=2, power=power)
    assert round(found.inflation, 3) == printed


def test_crossing_the_wrong_bound_is_no_power() -> None:
    found = group_sequential(looks=1, alpha=0.4, sided=2, power=0.5)
    assert found.drift == pytest.approx(norm.ppf(0.8))
    assert found.power_reached[-1] == pytest.approx(0.5)


# Numbers of rpact's tests: arguments, efficacy bounds, futility bounds.
BOUNDS = [
    ({"looks": 3}, (3.4710914, 2.4544323, 2.0040356), None),
    (
        {"information": [0.2, 0.4, 1], "alpha": 0.03, "design": "hwang-shih-decani", "parameter": 0},
        (2.5121443, 2.4228747, 2.0280392),
        None,
    ),
    (
        {
            "information": [0.2, 0.4, 1],
            "alpha": 0.07,
            "power": 0.86,
            "design": "hwang-shih-decani",
            "parameter": -1,
            "beta_design": "hwang-shih-decani",
            "beta_parameter": -2,
        },
        (2.364813, 2.1928805, 1.5660474),
        (-1.1063623, -0.35992439),
    ),
    (
        {
            "information": [0.3, 0.7, 1],
            "alpha": 0.03,
            "power": 0.66,
            "design": "power-family",
            "parameter": 2.2,
            "beta_design": "power-family",
            "beta_parameter": 3.2,
        },
        (2.8594012, 2.2435708, 1.9735737),
        (-1.1558435, 0.72836893),
    ),
    (
        {
            "looks": 4,
            "alpha": 0.035,
            "design": "wang-tsiatis",
            "parameter": 0.4,
            "futility": [0.5244] * 3,
            "binding": True,
        },
        (2.3284312, 2.1725031, 2.0861776, 2.0270171),
        (0.5244, 0.5244, 0.5244),
    ),
    (
        {"looks": 4, "alpha": 0.05, "design": "user", "alpha_spending": [0.01, 0.02, 0.03, 0.05]},
        (2.3263479, 2.2192994, 2.1201347, 1.8189562),
        None,
    ),
    (
        {
            "information": [0.35, 0.7, 1],
            "alpha": 0.13,
            "power": 0.7,
            "design": "lan-demets-pocock",
            "beta_spending": [0.01, 0.05, 0.3],
            "binding": True,
        },
        (1.5446617, 1.4827312, 1.4588737),
        (-1.2569879, -0.17011271),
    ),
    (
        {
            "information": [0.4, 0.75, 0.85, 1],
            "alpha": 0.13,
            "power": 0.59,
            "design": "lan-demets-obrien-fleming",
            "beta_design": "power-family",
            "beta_parameter": 2.5,
        },
        (2.1280732, 1.4368565, 1.422873, 1.2970881),
        (-0.82676531, 0.3743303, 0.65077266),
    ),
    ({"information": [0.4, 0.7], "design": "lan-demets-pocock"}, (2.223875, 2.3050796), None),
    (
        {"information": [0.3, 0.8, 1], "sided": 2, "design": "wang-tsiatis", "parameter": 0.24},
        (3.2029374, 2.4819703, 2.3420706),
        None,
    ),
    ({"looks": 4, "design": "haybittle-peto"}, (3, 3, 3, 1.9827514), None),
]


@pytest.mark.parametrize(("arguments", "efficacy", "futility"), BOUNDS)
def test_bounds_as_in_rpact(arguments: dict, efficacy: tuple, futility: tuple | None) -> None:
    found = group_sequential(**arguments)
    # rpact's own root search leaves a few 1e-7.
    assert found.efficacy == pytest.approx(efficacy, abs=5e-7)
    if futility is not None:
        assert found.futility == pytest.approx(futility, abs=5e-7)
    assert found.power_reached[-1] == pytest.approx(found.power, abs=1e-7)


def test_characteristics_as_in_rpact() -> None:
    found = group_sequential(
        information=[0.2, 0.4, 1], alpha=0.03, power=0.86, design="hwang-shih-decani", parameter=0
    )
    assert found.drift**2 == pytest.approx(9.4594101, abs=1e-6)
    assert found.inflation == pytest.approx(1.0788327, abs=1e-7)
    assert found.power_reached == pytest.approx((0.12783451, 0.34055165, 0.86), abs=1e-7)
    assert found.alpha_spent == pytest.approx((0.006, 0.012, 0.03), abs=1e-9)
    expected = (found.expected_h1, found.expected_half, found.expected_h0)
    assert expected == pytest.approx((0.83081135, 1.0142116, 1.0697705), abs=1e-7)
    assert found.nominal == pytest.approx((0.006, 0.0076991188, 0.021278125), abs=1e-8)
    with_futility = group_sequential(
        information=[0.3, 0.6, 1], design="lan-demets-obrien-fleming", futility=[0, -np.inf]
    )
    assert with_futility.power_reached == pytest.approx((0.0096, 0.3359, 0.8), abs=5e-5)


def test_lan_demets_two_sided() -> None:
    """Bounds printed by many programs for five looks at two-sided .05, O'Brien-Fleming spending."""
    found = group_sequential(looks=5, alpha=0.05, sided=2, design="lan-demets-obrien-fleming")
    assert found.efficacy == pytest.approx((4.8769, 3.3569, 2.6803, 2.2898, 2.0310), abs=2e-4)


def test_errors_by_simulation() -> None:
    """Walks of simulated trials cross the bounds as often as the integration says."""
    found = group_sequential(
        looks=4, design="lan-demets-pocock", beta_design="lan-demets-obrien-fleming", binding=True, power=0.85
    )
    t = np.array(found.information)
    steps = np.random.default_rng(0).normal(size=(200_000, 4)) * np.sqrt(np.diff(t, prepend=0))
    low = np.append(found.futility, -np.inf)
    for drift, expected in ((0.0, 0.025), (found.drift, 0.85)):
        z = (np.cumsum(steps, axis=1) + drift * t) / np.sqrt(t)
        alive, hits = np.ones(len(z), dtype=bool), np.zeros(len(z), dtype=bool)
        for k in range(4):
            hits |= alive & (z[:, k] >= found.efficacy[k])
            alive &= (z[:, k] < found.efficacy[k]) & (z[:, k] > low[k])
        assert hits.mean() == pytest.approx(expected, abs=0.003)


def test_first_two_looks_by_the_bivariate_normal() -> None:
    found = group_sequential(looks=2, design="pocock", alpha=0.05, sided=1)
    b, r = found.efficacy[0], 0.5**0.5
    stay = multivariate_normal(cov=[[1, r], [r, 1]]).cdf([b, b])
    assert 1 - stay == pytest.approx(0.05, abs=1e-6)


def test_one_look_is_the_fixed_design() -> None:
    found = group_sequential(looks=1)
    assert found.efficacy == pytest.approx((1.959964,)) and found.futility == ()
    assert found.inflation == pytest.approx(1) and found.expected_h1 == pytest.approx(1)
    assert found.sizes(293.15) == (294,)


def test_many_looks_and_tiny_steps() -> None:
    found = group_sequential(information=[0.001, 0.0011, 0.5, 0.999, 1], design="lan-demets-pocock")
    assert found.alpha_spent[-1] == pytest.approx(0.025, abs=1e-8)
    assert group_sequential(looks=20, design="pocock").alpha_spent[-1] == pytest.approx(0.025, abs=1e-8)


def test_sizes_of_the_looks() -> None:
    found = group_sequential(looks=2, design="pocock")
    assert found.sizes(100, round_up=False)[-1] == pytest.approx(100 * found.inflation)
    assert found.sizes(100)[0] == np.ceil(50 * found.inflation)


def test_spending_functions() -> None:
    assert spending_function(design="lan-demets-pocock", t=1.0, alpha=0.025) == pytest.approx(0.025)
    assert spending_function(design="lan-demets-obrien-fleming", t=1.0, alpha=0.025) == pytest.approx(0.025)
    assert spending_function(design="power-family", t=0.5, alpha=0.025, parameter=3) == pytest.approx(
        0.025 / 8
    )
    assert spending_function(design="hwang-shih-decani", t=0.5, alpha=0.025, parameter=-4) < 0.0125


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({}, "exactly one"),
        ({"looks": 0}, "looks"),
        ({"information": [0.5, 0.5, 1]}, "rising"),
        ({"information": [0.5, 1.2]}, "rising"),
        ({"information": [0.5, np.nan]}, "fractions"),
        ({"looks": 3, "design": "bayes"}, "pocock"),
        ({"looks": 3, "alpha": 0.6}, "alpha"),
        ({"looks": 3, "sided": 3}, "sided"),
        ({"looks": 3, "power": 1.0}, "power"),
        ({"looks": 3, "design": "wang-tsiatis"}, "parameter"),
        ({"looks": 3, "design": "power-family"}, "parameter"),
        ({"looks": 3, "design": "user"}, "cumulative"),
        ({"looks": 3, "design": "user", "alpha_spending": [0.01, 0.02, 0.5]}, "rising"),
        ({"looks": 3, "futility": [0.0]}, "bounds"),
        ({"looks": 3, "futility": [0.0, 0.0], "sided": 2}, "sided=1"),
        ({"looks": 3, "futility": [0.0, 0.0], "beta_spending": [0, 0.1, 0.2]}, "not both"),
        ({"looks": 3, "beta_design": "pocock"}, "spending"),
        ({"looks": 3, "futility": [3.0, 3.0]}, "futility"),
    ],
)
def test_what_cannot_be(arguments: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        group_sequential(**arguments)
