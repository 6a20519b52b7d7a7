"""The table of losses, and the errors of a plan's loss."""

from __future__ import annotations

import pytest
import torch

from overread.errors import InputError
from overread.learn.losses import LOSSES, build_loss
from overread.learn.losses.protocol import Loss
from overread.learn.plan import Named
from overread.task import TASKS


def test_every_answer_has_a_loss_and_every_loss_a_source() -> None:
    for task, facts in TASKS.items():
        assert any(facts.answer in loss.answers for loss in LOSSES.values()), task
    assert all(loss.source for loss in LOSSES.values())


@pytest.mark.parametrize(
    ("named", "answer", "message"),
    [
        (Named(name="hinge"), "classes", "loss: found 'hinge', expected one for classes: cross_entropy"),
        (
            Named(name="cross_entropy"),
            "label_map",
            "'cross_entropy', expected one for label_map: dice_cross_entropy",
        ),
        (
            Named(name="cross_entropy", arguments={"smooth": 0.1}),
            "classes",
            "cross_entropy: argument 'smooth' is unknown; expected smoothing",
        ),
        (
            Named(name="cross_entropy", arguments={"smoothing": 1.5}),
            "classes",
            "cross_entropy: smoothing: found 1.5, expected a number from 0 to below 1",
        ),
    ],
)
def test_a_loss_that_does_not_fit_is_named(named: Named, answer: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_loss(named, answer=answer)


def test_a_loss_of_ones_own_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Loss(lambda: lambda outputs, targets: outputs["logits"].sum(), frozenset({"classes"}), "here")
    monkeypatch.setitem(LOSSES, "mine", mine)
    loss = build_loss(Named(name="mine"), answer="classes")
    assert loss({"logits": torch.ones(2, 3)}, {}) == 6
