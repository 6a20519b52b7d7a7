from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.stats.multiplicity import (
    adjust,
    benjamini_hochberg,
    benjamini_yekutieli,
    bonferroni,
    hochberg,
    holm,
    hommel,
)

# Benjamini and Hochberg, J R Stat Soc B 1995;57:289: fifteen comparisons of two treatments of infarction.
INFARCTION = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719]
INFARCTION += [0.6528, 0.759, 1.0]

NAMES = {
    bonferroni: "bonferroni",
    holm: "holm",
    hommel: "hommel",
    hochberg: "simes-hochberg",
    benjamini_hochberg: "fdr_bh",
    benjamini_yekutieli: "fdr_by",
}


def test_published_rejections() -> None:
    counts = [int(f(INFARCTION).reject.sum()) for f in NAMES]
    assert counts == [3, 3, 3, 3, 4, 3]


def test_published_adjusted_values() -> None:
    """As R's p.adjust gives them for the same example, to six decimals."""
    expected = [0.0015, 0.003, 0.0095, 0.035625, 0.0603, 0.063857]
    assert benjamini_hochberg(INFARCTION).adjusted[:6] == pytest.approx(expected, abs=5e-7)


@settings(max_examples=20)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_adjustments_agree_with_statsmodels(p: list[float]) -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    for function, name in NAMES.items():
        ours = function(p)
        reject, theirs, _, _ = multitest.multipletests(p, 0.05, method=name)
        np.testing.assert_allclose(ours.adjusted, theirs, atol=1e-12)
        assert (ours.adjusted >= np.array(p) - 1e-15).all() and ours.method.startswith(function.__name__[:4])
        assert np.abs(ours.adjusted - 0.05).min() < 1e-9 or (ours.reject == reject).all()


def test_order_is_kept() -> None:
    np.testing.assert_allclose(holm([0.04, 0.01, 0.03]).adjusted, [0.06, 0.03, 0.06])


def test_family_wise_error_and_false_discoveries_are_bounded() -> None:
    """Twenty independent tests, half of them of true differences."""
    generator = np.random.default_rng(0)
    any_false = np.zeros(3)
    false_share = np.zeros(2)
    for _ in range(1500):
        null, real = generator.random(10), 1e-3 * generator.random(10)
        p = np.concatenate([null, real])
        any_false += [f(p).reject[:10].any() for f in (bonferroni, holm, hochberg)]
        for i, f in enumerate((benjamini_hochberg, benjamini_yekutieli)):
            reject = f(p).reject
            false_share[i] += reject[:10].sum() / max(1, reject.sum())
    assert (any_false / 1500 <= 0.06).all() and any_false[0] / 1500 < any_false[1] / 1500
    assert 0.02 < false_share[0] / 1500 <= 0.03 and false_share[1] < false_share[0]


@pytest.mark.parametrize(
    ("p", "match"),
    [([], "empty"), ([0.1, np.nan], "NaN"), ([1.2], "0 to 1"), ([[0.1], [0.2]], r"\(2, 1\)")],
)
def test_what_is_no_p_value(p: list, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        holm(p)


def test_unknown_adjustment() -> None:
    with pytest.raises(ValueError, match="holm"):
        adjust([0.1], method="sidak")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="alpha"):
        adjust([0.1], alpha=5)
