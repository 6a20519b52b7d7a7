"""Training batches: which case, which patch, which change, all decided by (seed, epoch, index)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from overread.learn.augment.random import generator
from overread.learn.example import Example
from overread.learn.losses.protocol import Tensors
from overread.learn.plan import Plan
from overread.learn.tasks import TASKS


@dataclass(frozen=True)
class PatchBatches:
    """Endless training batches of ``plan``; iterate over `epoch`."""

    plan: Plan
    examples: Sequence[Example]

    def epoch(self, number: int) -> Iterator[tuple[Tensor, Tensors]]:
        """Batches of one epoch: images ``(batch, channels, *patch)`` and the task's targets, by name."""
        plan, task = self.plan, TASKS[self.plan.task]
        count = plan.steps_per_epoch * plan.batch
        rng = generator(plan.seed, "order", number, 0)
        rounds = -(-count // len(self.examples))
        order = np.concatenate([rng.permutation(len(self.examples)) for _ in range(rounds)])[:count]
        for first in range(0, count, plan.batch):
            drawn = [
                task.draw(self.examples[int(k)], plan, number, first + i)
                for i, k in enumerate(order[first : first + plan.batch])
            ]
            targets = [t for _, t in drawn]
            yield (
                torch.stack([image for image, _ in drawn]),
                {name: torch.stack([t[name] for t in targets]) for name in targets[0]},
            )
