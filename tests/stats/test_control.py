from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from overread.stats.control import (
    ChartDesign,
    cusum_arl,
    cusum_chart,
    cusum_design,
    cusum_h,
    ewma_arl,
    ewma_chart,
    ewma_design,
    ewma_limit,
    shewhart_arl,
    shewhart_chart,
    shewhart_design,
    shewhart_limit,
)

Step = Callable[[NDArray, NDArray], tuple[NDArray, NDArray]]


def _simulate(step: Step, start: NDArray, shift: float, seed: int, warm: int = 0) -> float:
    """Mean run length of many charts at once; ``warm`` points in control first, for those without an alarm."""
    generator = np.random.default_rng(seed)
    state, length = start.copy(), 0
    for _ in range(warm):
        state, over = step(state, generator.standard_normal(state.shape[0]))
        state = state[~over]
    runs = len(state)
    while len(state):
        length += len(state)
        state, over = step(state, generator.standard_normal(len(state)) + shift)
        state = state[~over]
    return length / runs


def _cusum_step(k: float, h: float) -> Step:
    def step(state: NDArray, x: NDArray) -> tuple[NDArray, NDArray]:
        following = np.maximum(0, state + np.column_stack([x, -x]) - k)
        return following, (following > h).any(axis=1)

    return step


def _ewma_step(lam: float, limit: float) -> Step:
    bound = limit * np.sqrt(lam / (2 - lam))

    def step(state: NDArray, x: NDArray) -> tuple[NDArray, NDArray]:
        following = (1 - lam) * state + lam * x
        return following, np.abs(following) > bound

    return step


def test_cusum_run_lengths() -> None:
    """G40: R spc 0.6.7, zero state; the tables of Montgomery and of Lucas and Crosier (1982)."""
    assert [cusum_arl(k=0.5, h=4, shift=m, sides="one") for m in (0, 1)] == pytest.approx(
        [335.3675776, 8.38320213], rel=1e-6
    )
    assert [cusum_arl(k=0.5, h=4, shift=m) for m in (0, 0.5, 1, 2)] == pytest.approx(
        [167.6837888, 26.6302031, 8.38313187, 3.342770129], rel=1e-6
    )
    assert [cusum_arl(k=0.5, h=5, shift=m) for m in (0, 1)] == pytest.approx(
        [465.443506, 10.37596992], rel=1e-6
    )


def test_cusum_interval_from_run_length() -> None:
    """G40: R spc 0.6.7, xcusum.crit, two-sided, k = .5."""
    expected = {100: 3.502037094, 200: 4.171316103, 370: 4.773833707, 500: 5.070703855, 1000: 5.757350316}
    for wanted, h in expected.items():
        assert cusum_h(k=0.5, arl0=wanted) == pytest.approx(h, rel=1e-6)
        assert cusum_arl(k=0.5, h=cusum_h(k=0.5, arl0=wanted)) == pytest.approx(wanted, rel=1e-9)


def test_ewma_run_lengths() -> None:
    """G40: R spc 0.6.7; charts of Lucas and Saccucci (1990) and Montgomery."""
    found = [ewma_arl(lam=0.1, limit=2.814, shift=m) for m in (0, 0.5, 1)]
    assert found == pytest.approx([499.5795501, 31.2974352, 10.33066516], rel=1e-6)
    assert [ewma_arl(lam=0.2, limit=2.962, shift=m) for m in (0, 1)] == pytest.approx(
        [499.7351222, 10.5416658], rel=1e-6
    )


def test_shewhart_run_lengths() -> None:
    """G40: three-sigma limits."""
    assert [shewhart_arl(limit=3, shift=m) for m in (0, 1)] == pytest.approx(
        [370.3983473, 43.89468172], rel=1e-6
    )
    assert shewhart_limit(arl0=1 / (2 * stats.norm.sf(3))) == pytest.approx(3)
    assert shewhart_arl(limit=3, shift=1, sides="one") == pytest.approx(1 / stats.norm.sf(2))


def test_published_cusum_tables() -> None:
    # Vance, J Qual Technol 1986;18:189, table 1: k = 0, h = 10, one side.
    shifts = (-0.125, 0, 0.125, 0.25, 0.5, 0.75, 1)
    expected = (400.28, 124.66, 59.30, 36.71, 20.37, 14.06, 10.75)
    assert [round(cusum_arl(k=0, h=10, shift=m, sides="one"), 2) for m in shifts] == list(expected)
    # Lucas and Crosier, Technometrics 1982;24:199, table 1: k = .5, h = 4, head start 2, two sides.
    shifts = (0, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 4)
    expected = (149, 62.7, 20.1, 8.97, 5.29, 2.86, 2.01, 1.59, 1.07)
    assert [cusum_arl(k=0.5, h=4, shift=m, head_start=2) for m in shifts] == pytest.approx(expected, rel=3e-3)
    # Crosier, Technometrics 1986;28:187, table 5: the same chart without head start, steady state.
    expected = (163, 71.6, 25.2, 12.3, 7.68, 4.31, 3.03, 2.38, 1.55)
    assert [cusum_arl(k=0.5, h=4, shift=m, state="steady") for m in shifts] == pytest.approx(
        expected, rel=0.01
    )
    # SAS/QC 1999: k = .25, h = 8, one side, without and with a head start.
    assert cusum_arl(k=0.25, h=8, shift=2.5, sides="one") == pytest.approx(4.1500836225, rel=1e-6)
    assert cusum_arl(k=0.25, h=8, shift=2.5, sides="one", head_start=0.1) == pytest.approx(
        4.1061588131, rel=1e-6
    )


def test_published_ewma_tables() -> None:
    # Crowder, J Qual Technol 1987;19:161, table 1: limit 2.
    found = [ewma_arl(lam=0.5, limit=2, shift=m) for m in (0, 0.5, 1, 2, 3)]
    assert found == pytest.approx([26.45, 11.89, 4.91, 1.94, 1.26], abs=0.0075)
    found = [ewma_arl(lam=0.05, limit=2, shift=m) for m in (0, 0.5, 1, 2)]
    assert found == pytest.approx([127.53, 18.97, 8.38, 4.04], abs=0.0075)
    # Lucas and Saccucci, Technometrics 1990;32:1, table 3.
    found = [ewma_arl(lam=0.03, limit=2.437, shift=m) for m in (0, 0.25, 0.5, 1, 2, 5)]
    assert found == pytest.approx([500, 76.7, 29.3, 12.6, 5.99, 2.55], rel=2e-3)
    # SAS/QC 1999.
    assert ewma_arl(lam=0.25, limit=3, shift=1) == pytest.approx(11.154267016, rel=1e-9)
    # Steiner, J Qual Technol 1999;31:75, table 2 (simulated): limits that widen as the variance grows.
    found = [ewma_arl(lam=0.05, limit=3, shift=m, limits="exact") for m in (0, 0.5, 1, 2, 3)]
    assert found == pytest.approx([1353, 32.5, 9.0, 2.8, 1.6], rel=0.04)


def test_one_sided_ewma() -> None:
    """As R spc 0.6.7 prints: xewma.arl, xewma.ad and xewma.crit, the mean held at 0 or at -4 from below."""
    found = [ewma_arl(lam=0.1, limit=2.5, shift=m, sides="one") for m in (0, 0.5, 1, 2)]
    assert found == pytest.approx([273.780614, 22.4878924, 8.63124158, 3.86002734], rel=1e-8)
    found = [ewma_arl(lam=0.1, limit=2.5, shift=m, sides="one", barrier=-4) for m in (0, 1)]
    assert found == pytest.approx([462.694828, 8.7482125], rel=1e-8)
    found = [ewma_arl(lam=0.1, limit=2.5, shift=m, state="steady", sides="one") for m in (0, 1)]
    assert found == pytest.approx([266.317339, 7.26925374], rel=1e-8)
    # The head start of spc is in standard deviations of the weighted mean.
    assert ewma_arl(lam=0.2, limit=2.5, shift=0, head_start=1 / 3, sides="one") == pytest.approx(
        181.20047347, rel=1e-8
    )
    assert ewma_arl(lam=0.1, limit=2.814, shift=1, head_start=np.sqrt(0.1 / 1.9)) == pytest.approx(
        8.00070018, rel=1e-8
    )
    assert ewma_limit(lam=0.1, arl0=370, sides="one") == pytest.approx(2.62294077, rel=1e-8)
    # Waldmann, Metrika 1986;33:67: no floor, weight .5.
    found = [
        ewma_arl(lam=0.5, limit=2 * np.sqrt(3), sides="one", barrier=b) for b in (-4 * np.sqrt(3), -np.inf)
    ]
    assert found == pytest.approx([3906.05146, 3906.05146], rel=1e-8)
    design = ewma_design(arl0=370, shift=1, lam=0.2, sides="one")
    assert design.arl0 == pytest.approx(370) and design.arl1 < ewma_design(arl0=370, shift=1, lam=0.2).arl1
    chart = ewma_chart([-3, -3, -3, 2, 2, 2], lam=0.5, limit=2.0, mean=0, sd=1, sides="one")
    assert chart.statistic.tolist() == [0, 0, 0, 1, 1.5, 1.75] and chart.first_signal == 4
    low = ewma_chart([-3, 2], mean=0, sd=1, lam=0.5, limit=9, sides="one", barrier=-np.inf)
    assert low.statistic.tolist() == [-1.5, 0.25] and low.lower.max() == -np.inf


def test_run_lengths_beyond_double_precision_are_infinite() -> None:
    assert ewma_arl(lam=0.1, limit=9) == np.inf and ewma_arl(lam=0.1, limit=9, sides="one") == np.inf


def test_two_sided_steady_state() -> None:
    """R spc's xcusum.ad on a grid of 30 and of 60 cells: 162.92120 and 163.29387, 7.7150875 and 7.7132716."""
    for shift, thirty, sixty in ((0, 162.92120379, 163.293869), (1, 7.71508747, 7.71327161)):
        limit = sixty + (sixty - thirty) / 3
        assert cusum_arl(k=0.5, h=4, shift=shift, state="steady") == pytest.approx(limit, rel=1e-4)


def test_ewma_of_weight_one_is_shewhart() -> None:
    for limits in ("fixed", "exact"):
        for shift in (0, 0.7, 2):
            assert ewma_arl(lam=1, limit=2.5, shift=shift, limits=limits) == pytest.approx(
                shewhart_arl(limit=2.5, shift=shift), rel=1e-9
            )


@pytest.mark.parametrize(
    ("shift", "start", "warm", "state"),
    [(0.0, 0.0, 0, "zero"), (0.8, 1.5, 0, "zero"), (0.8, 0.0, 40, "steady")],
)
def test_cusum_by_simulation(shift: float, start: float, warm: int, state: str) -> None:
    found = _simulate(_cusum_step(0.5, 3.5), np.full((8000, 2), start), shift, 1, warm)
    assert cusum_arl(k=0.5, h=3.5, shift=shift, head_start=start, state=state) == pytest.approx(
        found, rel=0.05
    )


def test_one_sided_steady_state_by_simulation() -> None:
    def step(state: NDArray, x: NDArray) -> tuple[NDArray, NDArray]:
        following = np.maximum(0, state + x - 0.5)
        return following, following > 3

    found = _simulate(step, np.zeros(12_000), 0.5, 2, warm=40)
    assert cusum_arl(k=0.5, h=3, shift=0.5, sides="one", state="steady") == pytest.approx(found, rel=0.04)
    assert cusum_arl(k=0.5, h=3, shift=0.5, sides="one") > cusum_arl(
        k=0.5, h=3, shift=0.5, sides="one", state="steady"
    )


@pytest.mark.parametrize(
    ("shift", "warm", "state"), [(0.0, 0, "zero"), (1.0, 0, "zero"), (1.0, 60, "steady")]
)
def test_ewma_by_simulation(shift: float, warm: int, state: str) -> None:
    found = _simulate(_ewma_step(0.2, 2.5), np.zeros(8000), shift, 3, warm)
    assert ewma_arl(lam=0.2, limit=2.5, shift=shift, state=state) == pytest.approx(found, rel=0.05)


def test_ewma_with_exact_limits_by_simulation() -> None:
    generator, lam, limit = np.random.default_rng(4), 0.05, 3.0
    z, length, i = np.zeros(10_000), 0, 0
    while len(z):
        i, length = i + 1, length + len(z)
        z = (1 - lam) * z + lam * (generator.standard_normal(len(z)) + 1)
        z = z[np.abs(z) <= limit * np.sqrt(lam / (2 - lam) * (1 - (1 - lam) ** (2 * i)))]
    assert ewma_arl(lam=lam, limit=limit, shift=1, limits="exact") == pytest.approx(length / 10_000, rel=0.02)


def test_targets_at_370() -> None:
    """At an in-control run length of 370 a shift of 1 sd is found in 10 points, not in 44."""
    cusum, ewma, shewhart = (
        cusum_design(arl0=370, shift=1),
        ewma_design(arl0=370, shift=1),
        shewhart_design(arl0=370, shift=1),
    )
    best = ewma_design(arl0=370, shift=1, lam=None)
    for design in (cusum, ewma, shewhart, best):
        assert design.arl0 == pytest.approx(370, rel=1e-6)
    assert cusum.arl1 <= 9.93 and ewma.arl1 <= 10.3
    assert best.arl1 < ewma.arl1 < shewhart.arl1 and shewhart.arl1 == pytest.approx(43.9, abs=0.05)
    assert cusum.parameters["h"] == pytest.approx(4.774, abs=5e-4)


@pytest.mark.parametrize("wanted", [50, 370, 2000, 100_000])
def test_designs_reach_what_was_asked(wanted: float) -> None:
    designs: list[ChartDesign] = [
        shewhart_design(arl0=wanted),
        shewhart_design(arl0=wanted, sides="one"),
        ewma_design(arl0=wanted, shift=0.5, lam=0.05),
        cusum_design(arl0=wanted, shift=0.5),
        cusum_design(arl0=wanted, shift=2, sides="one"),
        cusum_design(arl0=wanted, shift=1, head_start_share=0.5),
    ]
    for design in designs:
        assert design.arl0 == pytest.approx(wanted, rel=1e-6)
        assert design.arl1 < design.arl0


def test_designed_cusum_by_simulation() -> None:
    design = cusum_design(arl0=120, shift=1)
    p = design.parameters
    found = _simulate(_cusum_step(p["k"], p["h"]), np.zeros((6000, 2)), 0.0, 5)
    assert found == pytest.approx(120, rel=0.05)


def test_delay_in_cases_and_days() -> None:
    design = cusum_design(arl0=370, shift=1, cases_per_point=20, cases_per_day=40)
    assert design.delay_cases == pytest.approx(20 * design.arl1)
    assert design.delay_days == pytest.approx(design.arl1 / 2)
    assert design.false_alarm_days == pytest.approx(185)
    assert cusum_design(arl0=370, shift=1).delay_days is None


def test_fda_example_signals_soon_after_the_change(goldens_data: Path) -> None:
    """Daily specificities of FDA's AIM-CU example, with a change after 60 days."""
    with (goldens_data / "fda_aimcu_spec_60_60.csv").open() as f:
        x = [float(row["y"]) for row in csv.DictReader(f)]
    p = cusum_design(arl0=370, shift=1).parameters
    chart = cusum_chart(x, k=p["k"], h=p["h"], baseline=60)
    assert chart.first_signal is not None and 60 <= chart.first_signal <= 70
    assert chart.change_start is not None and 58 <= chart.change_start <= 62
    assert chart.lower[chart.first_signal] > p["h"] >= chart.upper[chart.first_signal]
    assert chart.mean == pytest.approx(np.mean(x[:60])) and chart.sd == pytest.approx(np.std(x[:60], ddof=1))
    ewma = ewma_chart(x, lam=0.1, limit=ewma_limit(lam=0.1, arl0=370), baseline=60)
    assert ewma.first_signal is not None and 60 <= ewma.first_signal <= 75


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40), st.floats(0, 1), st.floats(0.5, 4))
@settings(max_examples=50)
def test_cusum_paths_by_definition(x: list[float], k: float, h: float) -> None:
    """The sum is the largest total of any run of points that ends now, each less k."""
    chart = cusum_chart(x, k=k, h=h, mean=0, sd=1)
    for sign, path in ((1, chart.upper), (-1, chart.lower)):
        steps = sign * np.array(x) - k
        expected = [max(0.0, max(steps[j : i + 1].sum() for j in range(i + 1))) for i in range(len(x))]
        np.testing.assert_allclose(path, expected, atol=1e-9)
    mirrored = cusum_chart([-v for v in x], k=k, h=h, mean=0, sd=1)
    np.testing.assert_array_equal(mirrored.upper, chart.lower)
    np.testing.assert_array_equal(mirrored.signals, chart.signals)


def test_charts_over_data() -> None:
    x = np.concatenate([np.tile([9.0, 11.0], 10), np.full(10, 12.0)])
    ewma = ewma_chart(x, lam=0.3, limit=2.5, mean=10, sd=1)
    z, path = 10.0, []
    for value in x:
        z = 0.7 * z + 0.3 * value
        path.append(z)
    np.testing.assert_allclose(ewma.statistic, path)
    assert ewma.first_signal == np.flatnonzero(np.array(path) > 10 + 2.5 * np.sqrt(0.3 / 1.7))[0]
    exact = ewma_chart(x, lam=0.3, limit=2.5, mean=10, sd=1, limits="exact")
    assert exact.upper[0] == pytest.approx(10 + 2.5 * 0.3) and exact.upper[-1] == pytest.approx(
        ewma.upper[-1]
    )
    shewhart = shewhart_chart(x, limit=1.5, mean=10, sd=1)
    assert list(shewhart.signals) == list(range(20, 30))
    np.testing.assert_allclose(shewhart.statistic, x)
    assert shewhart_chart(-x, limit=1.5, mean=-10, sd=1, sides="one").first_signal is None
    again = cusum_chart(x, k=0.5, h=4, mean=10, sd=1, restart=True)
    assert list(again.signals) == [22, 25, 28] and again.change_start == 19
    fast = cusum_chart(x[20:], k=0.5, h=4, mean=10, sd=1, head_start=2)
    assert fast.first_signal == 1 and fast.change_start == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cusum_arl(k=0.5, h=0), "h > 0"),
        (lambda: cusum_arl(k=0.5, h=4, head_start=4), "head_start"),
        (lambda: cusum_arl(k=0.5, h=4, sides="both"), "sides"),
        (lambda: cusum_arl(k=0.5, h=4, state="later"), "state"),
        (lambda: cusum_h(k=0.5, arl0=1), "more than 1"),
        (lambda: cusum_design(arl0=370, shift=0), "shift is 0"),
        (lambda: cusum_arl(k=-0.5, h=4), "k is -0.5"),
        (lambda: cusum_chart([1, 2], k=0.5, h=-1, mean=0, sd=1), "h > 0"),
        (lambda: cusum_arl(k=0.5, h=4, shift=np.nan), "shift is nan"),
        (lambda: shewhart_arl(limit=3, shift=np.inf), "shift is inf"),
        (lambda: shewhart_chart([1, 2], limit=0, mean=0, sd=1), "limit is 0"),
        (lambda: ewma_arl(lam=0.1, limit=3, sides="one", barrier=1), "barrier is 1"),
        (lambda: ewma_arl(lam=0.1, limit=3, sides="one", limits="exact"), "'fixed' with sides='one'"),
        (lambda: ewma_arl(lam=0, limit=3), "lam is 0"),
        (lambda: ewma_arl(lam=0.1, limit=3, limits="wide"), "limits"),
        (lambda: ewma_arl(lam=0.1, limit=3, state="steady", limits="exact"), "state"),
        (lambda: shewhart_limit(arl0=1), "more than 1"),
        (lambda: cusum_chart([1, 2, 3]), "baseline"),
        (lambda: cusum_chart([1, 2, 3], baseline=4), "2 to 3"),
        (lambda: cusum_chart([1, 1, 3], baseline=2), "standard deviation"),
        (lambda: cusum_chart([1, np.nan], mean=0, sd=1), "NaN"),
        (lambda: cusum_chart([], mean=0, sd=1), "empty"),
        (lambda: shewhart_design(arl0=370, cases_per_day=0), "cases_per_day"),
    ],
)
def test_clear_errors(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
