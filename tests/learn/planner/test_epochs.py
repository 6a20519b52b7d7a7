"""How a budget becomes epochs."""

from __future__ import annotations

import pytest

from overread.learn.planner.epochs import FASTER, OTHER_SECONDS, epochs_in, train_seconds


def test_answering_is_paid_for_first() -> None:
    left = train_seconds(600, answered=60, windows=8, step=0.5, batch=2)
    assert left == pytest.approx(600 - OTHER_SECONDS - 60 * 8 * 0.25 / FASTER)


def test_never_under_a_third() -> None:
    assert train_seconds(600, answered=10_000, windows=8, step=0.5, batch=2) == 200


@pytest.mark.parametrize(("seconds", "epochs"), [(100, 10), (1, 2), (1e6, 50)])
def test_epochs(seconds: float, epochs: int) -> None:
    assert epochs_in(seconds, steps_per_epoch=20, step=0.5, most=50) == epochs
