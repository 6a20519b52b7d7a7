from __future__ import annotations

import numpy as np
import pytest

from overread.stats.detection import max_llf, max_nlf, rated_marks

MARKS = rated_marks(
    [[3.0, -np.inf], [2.0], [], [], [], [], [], []],
    [[1.0], [], [1.0, 2.0], [], [1.0], [], [], [0.5]],
)


def test_ends_of_the_curve_by_hand() -> None:
    assert max_llf(MARKS).estimate == pytest.approx(2 / 3)
    assert max_nlf(MARKS).estimate == pytest.approx(4 / 6) and max_nlf(MARKS).n == 6
    assert max_nlf(MARKS, cases="all").estimate == pytest.approx(5 / 8)


def test_ends_agree_with_the_curve() -> None:
    from overread.stats.detection import froc_curve

    curve = froc_curve(MARKS)
    assert max_llf(MARKS).estimate == pytest.approx(curve.sensitivity[-1])
    assert max_nlf(MARKS, cases="all").estimate == pytest.approx(curve.false_per_image[-1])


def test_what_has_no_ends() -> None:
    with pytest.raises(ValueError, match="none to find"):
        max_llf(rated_marks([[]], [[1.0]]))
    with pytest.raises(ValueError, match="take cases='all'"):
        max_nlf(rated_marks([[1.0]], [[1.0]]))
