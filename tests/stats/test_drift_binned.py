from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency

from overread.stats.drift import (
    binned_counts,
    chi_square,
    chi_square_from_counts,
    cramers_v,
    jensen_shannon,
    psi,
    psi_from_counts,
    psi_from_proportions,
)

counts = st.lists(st.integers(0, 60), min_size=2, max_size=8)


def test_index_of_two_lists_of_shares() -> None:
    """Five bins worked by hand: sum (a - e) ln(a / e)."""
    value = psi_from_proportions([0.1, 0.2, 0.4, 0.2, 0.1], [0.05, 0.15, 0.35, 0.25, 0.2])
    assert value == pytest.approx(0.1361899279, rel=1e-6)
    found = psi_from_counts([10, 20, 40, 20, 10], [5, 15, 35, 25, 20])
    assert found.statistic == pytest.approx(0.1361899279, rel=1e-6)


@settings(max_examples=40)
@given(
    rows=st.integers(2, 8).flatmap(
        lambda k: st.tuples(*[st.lists(st.integers(1, 60), min_size=k, max_size=k)] * 2)
    )
)
def test_chi_square_agrees_with_scipy(rows: tuple[list[int], list[int]]) -> None:
    theirs = chi2_contingency(np.array(rows), correction=False)
    ours = chi_square_from_counts(*rows, method="chi-square")
    assert ours.statistic == pytest.approx(theirs.statistic)
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-12)


def test_permutation_agrees_with_chi_square() -> None:
    r, c = [40, 30, 30], [25, 40, 35]
    found = chi_square_from_counts(r, c, method="permutation", permutations=20_000)
    assert found.p_value == pytest.approx(chi_square_from_counts(r, c).p_value, abs=0.01)
    small = chi_square_from_counts([5, 0, 1], [1, 4, 1])
    assert "permutation" in small.method and "fewer than 5" in small.note


def test_jensen_shannon_agrees_with_scipy() -> None:
    generator = np.random.default_rng(0)
    x, y = generator.integers(0, 6, 300), generator.integers(0, 7, 200)
    found = jensen_shannon(x, y, bins=None)
    theirs = jensenshannon(np.bincount(x, minlength=7), np.bincount(y, minlength=7), 2)
    assert found.statistic == pytest.approx(theirs)
    # Nothing in common: distance 1.
    apart = jensen_shannon([0] * 30, [1] * 30, bins=None)
    assert apart.statistic == pytest.approx(1) and apart.effect.high <= 1


def test_cramers_v() -> None:
    """Bergsma's correction by hand, and the extremes."""
    r, c = np.array([30, 20]), np.array([20, 30])
    x = np.repeat([0, 1], r), np.repeat([0, 1], c)
    found = cramers_v(*x)
    phi2 = chi2_contingency(np.array([r, c]), correction=False).statistic / 100
    assert found.estimate == pytest.approx(np.sqrt((phi2 - 1 / 99) / (1 - 1 / 99)))
    assert found.low < found.estimate < found.high
    assert cramers_v(["a"] * 50, ["b"] * 50).estimate == pytest.approx(1)
    assert cramers_v(["a", "b"] * 50, ["b", "a"] * 30).estimate == 0


@settings(max_examples=40)
@given(data=st.data(), bins=st.integers(2, 12))
def test_bins_hold_every_row(data: st.DataObject, bins: int) -> None:
    x = data.draw(st.lists(st.integers(-5, 5), min_size=1, max_size=40))
    y = data.draw(st.lists(st.floats(-100, 100), min_size=1, max_size=40))
    r, c = binned_counts(x, y, bins)
    assert r.sum() == len(x) and c.sum() == len(y) and len(r) == len(c)
    # Every bin but one beside a constant reference holds reference rows.
    assert (r > 0).all() or len(set(x)) == 1


def test_equal_mass() -> None:
    r, _ = binned_counts(np.arange(100), np.arange(100), 10)
    assert (r == 10).all()
    r, c = binned_counts([0.1, 0.2, 0.9], [0.5, 0.95], [0.5])
    assert (list(r), list(c)) == ([2, 1], [1, 1])


def test_identical_data_are_never_flagged() -> None:
    generator = np.random.default_rng(1)
    x = generator.normal(size=400)
    for found in (psi(x, x[::-1]), chi_square(x > 0, x > 0), jensen_shannon(x, x)):
        assert found.statistic == pytest.approx(0, abs=1e-7)
        assert found.p_value == pytest.approx(1) and found.effect.estimate == 0
    one = psi(np.zeros(50), np.zeros(60))
    assert one.statistic == pytest.approx(0, abs=1e-3) and one.p_value == pytest.approx(1)


def test_eight_rows_are_refused() -> None:
    """Ten bins of eight rows are noise: an index of this size would be called a great shift."""
    generator = np.random.default_rng(2)
    x, y = generator.normal(size=1000), generator.normal(size=8)
    with pytest.raises(ValueError, match="8 rows for 10 bins"):
        psi(x, y)
    forced = psi(x, y, minimum_per_bin=0)
    assert forced.statistic > 0.25 and forced.effect.low == 0 and "empty" in forced.note
    with pytest.raises(ValueError, match="fewer bins"):
        jensen_shannon(x, y)


def test_the_plain_index_of_small_samples_is_mostly_bias() -> None:
    generator = np.random.default_rng(3)
    found = [psi(generator.normal(size=90), generator.normal(size=90)) for _ in range(100)]
    assert np.mean([f.statistic for f in found]) == pytest.approx(9 * 2 / 90, rel=0.2)
    assert np.median([f.effect.estimate for f in found]) < 0.05
    assert np.mean([f.p_value < 0.05 for f in found]) < 0.12


@pytest.mark.parametrize(("n", "m"), [(200, 150), (2000, 500)])
@pytest.mark.parametrize("shift", [0.0, 0.2, 1.0])
def test_intervals_cover_95_percent(n: int, m: int, shift: float) -> None:
    """Ten bins tilted by e^(+-shift); at no shift the only miss is on one side."""
    generator = np.random.default_rng(4)
    e = np.full(10, 0.1)
    a = e * np.exp(shift * np.linspace(-1, 1, 10))
    a /= a.sum()
    truth, middle = np.sum((a - e) * np.log(a / e)), (a + e) / 2
    js = 0.5 * np.sum(a * np.log2(a / middle) + e * np.log2(e / middle))
    hits = np.zeros(2)
    for _ in range(400):
        r, c = generator.multinomial(n, e), generator.multinomial(m, a)
        effect = psi_from_counts(r, c, method="chi-square").effect
        hits[0] += effect.low <= truth + 1e-12 and truth <= effect.high
        x, y = np.repeat(np.arange(10), r), np.repeat(np.arange(10), c)
        effect = jensen_shannon(x, y, bins=None, permutations=1).effect
        hits[1] += effect.low <= js + 1e-12 and js <= effect.high
    assert (hits / 400 >= 0.925).all() and (hits / 400 <= 0.995).all()


def test_categories_may_be_text_numbers_or_booleans() -> None:
    text = chi_square(["ct", "mr"] * 20, ["ct", "mr", "us"] * 10)
    codes = chi_square([0, 1] * 20, [0, 1, 2] * 10)
    assert text.statistic == pytest.approx(codes.statistic)
    assert chi_square([True, False] * 20, [True] * 30).p_value < 0.01


def test_weighted_counts() -> None:
    found = psi_from_counts([10.5, 20.5, 30.0], [20.0, 20.0, 21.0])
    assert found.method == "chi-square"
    with pytest.raises(ValueError, match="whole counts"):
        psi_from_counts([10.5, 20.5, 30.0], [20.0, 20.0, 21.0], method="permutation")


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: psi_from_proportions([0.5, 0.5], [1.0, 0.0]), "above 0"),
        (lambda: psi_from_proportions([0.5, 0.6], [0.5, 0.5]), "add up to 1"),
        (lambda: psi_from_proportions([0.5, 0.5], [1.0]), "bins"),
        (lambda: psi_from_counts([1, 2, 3], [1, 2]), "bins"),
        (lambda: psi_from_counts([-1, 20], [10, 10]), "0 or more"),
        (lambda: psi_from_counts([0, 0], [10, 10]), "no rows"),
        (lambda: psi([1.0, np.nan], [1.0, 2.0]), "NaN"),
        (lambda: psi([1.0, 2.0], [1.0, 2.0], bins=1), "bins"),
        (lambda: psi(["a", None], ["a", "b"], bins=None), "missing"),
        (lambda: chi_square([0.0, np.nan], [1.0]), "NaN"),
        (lambda: chi_square([], ["a"]), "shape"),
        (lambda: chi_square_from_counts([1, 2], [3, 4], method="fisher"), "permutation"),  # type: ignore[arg-type]
        (lambda: jensen_shannon([1] * 30, [2] * 30, bins=None, base=1), "base"),
    ],
)
def test_what_cannot_be(call, match: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=match):
        call()
