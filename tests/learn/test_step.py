"""The step that is timed and trains."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.learn.toys import MULTILABEL, TOYS, plan, sides, squares

from overread.errors import InputError, OverreadError
from overread.learn.patch_batches import PatchBatches
from overread.learn.plan import Named, Network
from overread.learn.step import CLIP, Step, decayed


def batch(p, examples):
    return next(iter(PatchBatches(p, examples).epoch(0)))


def test_the_average_follows_the_weights_slowly() -> None:
    p = plan()
    step = Step(p)
    images, targets = batch(p, squares(32))
    step(images, targets, 1e-2)
    first = [t.clone() for t in step.average.state_dict().values()]
    for a, b in zip(first, step._model.module.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b)
    before = {k: v.clone() for k, v in step.average.state_dict().items()}
    step(images, targets, 1e-2)
    decay = min(p.average_decay, 2 / 11)
    for k, value in step._model.module.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(step.average.state_dict()[k], before[k] * decay + value * (1 - decay))
        else:
            assert step.average.state_dict()[k] == value
    assert step.steps == 2


def test_gradients_are_clipped(monkeypatch: pytest.MonkeyPatch) -> None:
    p = plan()
    step = Step(p)
    loss = step.loss
    step.loss = lambda outputs, targets: 1e4 * loss(outputs, targets)
    step(*batch(p, squares(32)), 1e-3)
    norm = torch.stack([q.grad.norm() for q in step._model.parameters()]).norm()
    assert norm == pytest.approx(CLIP, rel=1e-3)


def test_measuring_learns_nothing() -> None:
    p = plan()
    step = Step(p)
    images, targets = batch(p, squares(32))
    step(images, targets, 1e-2)
    assert torch.equal(step.measure(images, targets), step.measure(images, targets))


def test_a_loss_that_is_not_finite_stops_with_advice() -> None:
    bad = squares(16)
    bad[3].image[:] = np.nan
    p = plan()
    with pytest.raises(OverreadError, match=r"loss became nan in step 1: .*learning_rate"):
        Step(p)(*batch(p, bad), 1e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": Named(name="dice_cross_entropy")}, "'dice_cross_entropy', expected one for classes"),
        (
            {"network": TOYS["segmentation"][0].network},
            "'unet' gives label_map, expected one that gives classes",
        ),
        ({"network": Network(name="vgg", arguments={}, parameters=1)}, "network: found 'vgg'"),
    ],
)
def test_what_does_not_fit_the_task_is_refused(changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Step(plan(**changes))


def test_norms_and_biases_do_not_decay() -> None:
    step = Step(plan(weight_decay=0.5))
    by_decay = {g["weight_decay"]: g["params"] for g in step._optimizer.param_groups}
    assert {p.ndim for p in by_decay[0.5]} <= {2, 4} and {p.ndim for p in by_decay[0.0]} == {1}
    named = dict(step._model.module.named_parameters())
    assert sum(map(len, by_decay.values())) == len(named)
    assert len(decayed(torch.nn.Linear(2, 2, bias=False), 0.1)) == 1


def test_a_step_in_parts_learns_what_one_at_once_does() -> None:
    """Of a network and loss that pool nothing over the batch; parts of 6, 5 and 5 images count by their number."""
    p = plan(**MULTILABEL)
    whole, parts = Step(p), Step(p.model_copy(update={"accumulate": 3}))
    for step in (whole, parts):
        for module in step._model.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.train = lambda mode=True: None  # its statistics stay as they are
                module.training = False
    images, targets = batch(p, sides(32))
    targets = {"labels": torch.nan_to_num(targets["labels"])}
    losses = [step(images, targets, 1e-3) for step in (whole, parts)]
    torch.testing.assert_close(losses[0], losses[1])
    for a, b in zip(whole._model.parameters(), parts._model.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-3, atol=1e-5)
