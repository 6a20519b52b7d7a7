"""The loss on some tuning cases: always the same ones, unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import torch

from overread.learn.example import Example
from overread.learn.patch_batches import PatchBatches
from overread.learn.plan import Augment, Plan
from overread.learn.pooled import alone
from overread.learn.processes import agreed, rank
from overread.learn.step import Step
from overread.task import TASKS

# Of tuning cases, how many the loss is watched on: whole images (2D, 3D), or cases to cut patches from.
WATCHED_IMAGES, WATCHED_CASES = {2: 256, 3: 64}, 8


def watched(names: Sequence[str], *, task: str, dimensions: int) -> list[int]:
    """Indices of the tuning cases ``names`` that the loss is watched on, over the whole table, by hash."""
    local = TASKS[task].local
    return drawn(names, WATCHED_CASES if local else WATCHED_IMAGES[dimensions])


def drawn(names: Sequence[str], most: int) -> list[int]:
    """Indices of at most ``most`` of ``names``, by their hashes: of any order of the table the same ones.

    No site or scanner, which often come together in a table, is drawn first.
    """
    by_hash = sorted(range(len(names)), key=lambda i: sha256(names[i].encode()).digest())
    return sorted(by_hash[:most], key=lambda i: names[i])


def watched_loss(step: Step, plan: Plan, tune: Sequence[Example]) -> float | None:
    """Mean loss of the averaged network on ``tune``; None without any.

    Of a task that sees patches one patch of each case is around something to be found and one anywhere: what is found
    where nothing is shows too. They are always the same. The first process measures for all.
    """
    if not len(tune):
        return None
    value = None
    if rank() == 0:
        with alone():
            value = _mean(step, plan, tune)
    return agreed(value)


def _mean(step: Step, plan: Plan, tune: Sequence[Example]) -> float:
    at_once = max(1, min(plan.batch // plan.accumulate, len(tune)))
    values = []
    for share in (1.0, 0.0) if TASKS[plan.task].local else (0.0,):
        still = plan.model_copy(
            update={
                "augment": Augment(),
                "foreground_share": share,
                "batch": at_once,
                "steps_per_epoch": -(-len(tune) // at_once),
            }
        )
        values += [step.measure(image, targets) for image, targets in PatchBatches(still, tune).epoch(0)]
    return float(torch.stack(values).mean())
