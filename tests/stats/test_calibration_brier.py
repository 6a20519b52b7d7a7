from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.stats.calibration import (
    brier,
    brier_decomposition,
    brier_skill_score,
    corp_decomposition,
)

tenths = st.lists(st.tuples(st.booleans(), st.integers(0, 10)), min_size=2, max_size=50)


@given(tenths)
def test_parts_add_up_to_the_score(cases: list[tuple[bool, int]]) -> None:
    y, p = np.array([c[0] for c in cases]), np.array([c[1] / 10 for c in cases])
    score = brier(y, p).estimate
    exact = brier_decomposition(y, p, resamples=20)
    assert exact.brier == pytest.approx(score)
    assert exact.within_bin == pytest.approx(0, abs=1e-12)
    total = exact.reliability.estimate - exact.resolution.estimate + exact.uncertainty
    assert total == pytest.approx(score) and exact.bins == len(np.unique(p))
    for binning in ("equal-width", "equal-mass", "quantile"):
        part = brier_decomposition(y, p, bins=3, binning=binning, resamples=20)  # type: ignore[arg-type]
        total = part.reliability.estimate - part.resolution.estimate + part.uncertainty + part.within_bin
        assert total == pytest.approx(score)
    free = corp_decomposition(y, p)
    assert free.miscalibration - free.discrimination + free.uncertainty == pytest.approx(score)
    assert free.miscalibration >= -1e-12 and -1e-12 <= free.discrimination <= free.uncertainty + 1e-12


def test_reliability_and_resolution_by_group() -> None:
    """Two forecast values, by Murphy's formulas."""
    y = np.array([0, 0, 0, 1, 0, 1, 1, 1, 1, 1])
    p = np.array([0.2] * 4 + [0.7] * 6)
    found = brier_decomposition(y, p)
    first, second = 0.25, 5 / 6
    assert found.reliability.estimate == pytest.approx(0.4 * (0.2 - first) ** 2 + 0.6 * (0.7 - second) ** 2)
    assert found.resolution.estimate == pytest.approx(0.4 * (first - 0.6) ** 2 + 0.6 * (second - 0.6) ** 2)
    assert found.uncertainty == pytest.approx(0.24)
    assert found.reliability.low <= found.reliability.high and found.bins == 2


def test_isotonic_recalibration_has_no_miscalibration() -> None:
    isotonic = pytest.importorskip("sklearn.isotonic")
    generator = np.random.default_rng(0)
    p = np.round(generator.random(200), 2)
    y = generator.random(200) < p**2
    fitted = isotonic.IsotonicRegression(y_min=0, y_max=1).fit_transform(p, y)
    found = corp_decomposition(y, p)
    assert found.miscalibration == pytest.approx(brier(y, p).estimate - np.mean((fitted - y) ** 2))
    assert corp_decomposition(y, fitted).miscalibration == pytest.approx(0, abs=1e-12)


def test_skill() -> None:
    generator = np.random.default_rng(1)
    p = generator.random(300)
    y = generator.random(300) < p
    score, share = brier(y, p).estimate, y.mean()
    found = brier_skill_score(y, p)
    assert found.estimate == pytest.approx(1 - score / (share * (1 - share)))
    assert found.low < found.estimate < found.high < 1
    assert brier_skill_score(y, p, reference=share).estimate == pytest.approx(found.estimate)
    other = np.clip(p + 0.2, 0, 1)
    assert brier_skill_score(y, p, reference=other).estimate == pytest.approx(
        1 - score / brier(y, other).estimate
    )
    assert brier_skill_score(y, np.full(300, share)).estimate == pytest.approx(0)
    assert brier_skill_score(y, y * 1.0, cluster=np.arange(300) // 3).estimate == 1
    with pytest.raises(ValueError, match="no error"):
        brier_skill_score([0, 1], [0.1, 0.9], reference=[0.0, 1.0])
    with pytest.raises(ValueError, match="only class 1"):
        brier_skill_score([1, 1], [0.1, 0.9])


def test_a_column_of_labels_is_refused() -> None:
    """Labels of shape (n, 1) would broadcast to n x n and give .376 where .125 is right."""
    for function in (brier, brier_decomposition, brier_skill_score, corp_decomposition):
        with pytest.raises(ValueError, match=r"y has shape \(2, 1\)"):
            function([[0], [1]], [0.2, 0.7])  # type: ignore[operator]
