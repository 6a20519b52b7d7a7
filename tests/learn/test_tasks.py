"""What every task promises: its loss falls, it exports, its target comes from its truth, its score is a number."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.learn.toys import TOYS

from overread.learn.export import export_onnx
from overread.learn.fit import fit
from overread.learn.patch_batches import PatchBatches
from overread.learn.tasks import TASKS
from overread.nets.architecture import by_name
from overread.nets.build import NETWORKS, build
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
    network = build(plan.network.name, 2, 1, len(plan.labels), plan.network.arguments)
    [images, _] = next(iter(PatchBatches(plan, examples).epoch(0)))
    images.requires_grad_()
    score = TASKS[task].score(by_name(network(images)), len(plan.labels) - 1)
    assert score.shape == (plan.batch,) and torch.isfinite(score).all()
    score.sum().backward()
    assert images.grad is not None and images.grad.abs().sum() > 0
