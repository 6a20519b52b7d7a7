"""What every task promises: its loss falls, it exports, its target comes from its truth, its score is a number."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.learn.toys import TOYS, plan_for_network

from overread.learn.example import Example
from overread.learn.export import export_onnx
from overread.learn.fit import fit
from overread.learn.losses import LOSSES
from overread.learn.patch_batches import PatchBatches
from overread.learn.plan import Augment, Named, Plan
from overread.learn.planner.patch import fit_patch
from overread.learn.step import Step
from overread.learn.tasks import TASKS
from overread.nets.architecture import Need, by_name
from overread.nets.networks import NETWORKS, build
from overread.task import TASKS as FACTS

tasks = pytest.mark.parametrize("task", TOYS)


def test_the_table_has_every_task() -> None:
    assert set(TASKS) == set(FACTS) == set(TOYS)


@tasks
def test_it_learns_and_exports(task: str) -> None:
    plan, examples = TOYS[task]
    fitted = fit(plan, examples, examples[:8])
    first, last = fitted.history[0].loss, fitted.history[-1].loss
    assert last < 0.5 * first
    assert fitted.history[-1].validation_loss is not None
    images = [image for batch, _ in PatchBatches(plan, examples).epoch(0) for image in batch.numpy()][:4]
    exported = export_onnx(fitted.network, plan, images)
    assert tuple(exported.outputs) == NETWORKS[plan.network.name].outputs
    assert exported.largest_difference < 1e-3


@tasks
def test_what_is_drawn_is_decided_by_seed_epoch_and_index(task: str) -> None:
    plan, examples = TOYS[task]
    image, targets = TASKS[task].draw(examples[1], plan, 2, 5)
    again, same = TASKS[task].draw(examples[1], plan, 2, 5)
    assert tuple(image.shape) == (1, *plan.patch) and torch.equal(image, again)
    assert all(torch.equal(torch.nan_to_num(targets[k]), torch.nan_to_num(same[k])) for k in targets)
    assert not torch.equal(image, TASKS[task].draw(examples[1], plan, 2, 6)[0])


@tasks
def test_blank_targets_are_like_real_ones(task: str) -> None:
    plan, examples = TOYS[task]
    size = examples[0].image.shape[1:]
    blank = TASKS[task].blank(plan, size, np.random.default_rng(0))
    assert {k: v.dtype for k, v in blank.items()} == {k: v.dtype for k, v in examples[1].target.items()}


@tasks
def test_a_score_has_one_number_an_image_and_a_gradient(task: str) -> None:
    plan, examples = TOYS[task]
    torch.manual_seed(0)
    network = build(plan.network.name, 2, 1, plan.outputs, plan.network.arguments)
    [images, _] = next(iter(PatchBatches(plan, examples).epoch(0)))
    images.requires_grad_()
    score = TASKS[task].score(by_name(network(images)), len(plan.labels) - 1)
    assert score.shape == (plan.batch,) and torch.isfinite(score).all()
    score.sum().backward()
    assert images.grad is not None and images.grad.abs().sum() > 0


def volume(task: str, rng: np.random.Generator) -> tuple[Plan, Example]:
    """A plan for volumes of thick slices with the network's own defaults, and one of them."""
    size, spacing = (30, 26, 10), (1.0, 1.0, 4.0)
    facts = FACTS[task]
    # The plain one of each kind of answer, as few as its channels may be.
    name = next(k for k in ("resnet", "unet", "centernet") if facts.answer in NETWORKS[k].answers)
    made = NETWORKS[name]
    patch, arguments = fit_patch(made, Need(3, size, spacing, False, (6.0, 6.0, 2.0)), 40_000)
    arguments["widths"] = [8] * len(arguments["widths"])
    loss = next(k for k, v in LOSSES.items() if facts.answer in v.answers and v.ordered == facts.ordered)
    base = plan_for_network(
        task, name, arguments, patch, channels=2, labels=1 if facts.answer == "value" else 3
    )
    p = base.model_copy(
        update={
            "loss": Named(name=loss),
            "batch": 2,
            "steps_per_epoch": 1,
            "foreground_share": 1.0,
            "augment": Augment(rotate_deg=10, elastic=0.03, coarse_axis=2, flip=[0]),
            "preprocess": base.preprocess.model_copy(update={"spacing": list(spacing)}),
        }
    )
    image = rng.normal(size=(2, *size)).astype(np.float32)
    return p, Example("volume", image, TASKS[task].blank(p, size, rng))


@tasks
def test_volumes_are_learnt_from(task: str) -> None:
    p, example = volume(task, np.random.default_rng(0))
    step = Step(p)
    losses = []
    for i in range(3):
        [(images, targets)] = PatchBatches(p, [example]).epoch(i)
        assert tuple(images.shape) == (2, 2, *p.patch)
        losses.append(float(step(images, targets, 1e-3)))
    assert np.isfinite(losses).all() and min(losses) > 0


def test_a_task_of_ones_own_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lines, and nothing elsewhere asks for its name."""
    monkeypatch.setitem(FACTS, "grading", FACTS["classification"])
    monkeypatch.setitem(TASKS, "grading", TASKS["classification"])
    plan, examples = TOYS["classification"]
    mine = Plan.model_validate(plan.model_dump() | {"task": "grading", "epochs": 2})
    assert len(fit(mine, examples, examples[:4]).history) == 2
