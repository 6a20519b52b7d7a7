"""How a budget becomes epochs."""

from __future__ import annotations

import pytest

from overread.learn.planner.epochs import FASTER, OTHER_SECONDS, epochs_in, guessed_case, train_seconds


def test_answering_is_paid_for_first() -> None:
    assert train_seconds(600, answered=60, case=2.0) == pytest.approx(600 - OTHER_SECONDS - 120)
    assert train_seconds(600, answered=60, case=2.0, other=30) == pytest.approx(600 - 30 - 120)


def test_never_under_a_third() -> None:
    assert train_seconds(600, answered=10_000, case=1.0) == 200


def test_a_budget_that_is_used_up_leaves_no_time() -> None:
    assert train_seconds(-680, answered=60, case=2.0) == 0


def test_an_answer_is_guessed_from_the_steps() -> None:
    assert guessed_case(windows=8, step=0.5, batch=2) == pytest.approx(8 * 0.25 / FASTER)


@pytest.mark.parametrize(("seconds", "epochs"), [(100, 10), (1, 2), (1e6, 50)])
def test_epochs(seconds: float, epochs: int) -> None:
    assert epochs_in(seconds, steps_per_epoch=20, step=0.5, most=50) == epochs
