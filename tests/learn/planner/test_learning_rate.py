"""Few steps are longer."""

from __future__ import annotations

import pytest

from overread.learn.planner.learning_rate import HIGHEST, LOWEST, choose_rate


@pytest.mark.parametrize(
    ("steps", "rate"),
    [(1, HIGHEST), (160, HIGHEST), (450, 9.2e-3), (1000, 5.3e-3), (4000, 2e-3), (1e6, LOWEST)],
)
def test_rate(steps: float, rate: float) -> None:
    assert choose_rate(steps) == pytest.approx(rate)
