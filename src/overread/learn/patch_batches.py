"""Training batches: which case, which patch, which change, all decided by (seed, epoch, index)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from overread.errors import InputError
from overread.learn.augment.mix import draw_mixing, mix
from overread.learn.augment.random import generator
from overread.learn.example import Example
from overread.learn.losses.protocol import Tensors
from overread.learn.plan import Plan
from overread.learn.sampling import build_sampling, shown_by
from overread.learn.tasks import TASKS
from overread.task import TASKS as FACTS

Batch: TypeAlias = tuple[Tensor, Tensors]
"""Images ``(batch, channels, *patch)`` and the task's targets, by name."""


@dataclass(frozen=True)
class PatchBatches:
    """Training batches of ``plan``, or the share of them that process ``rank`` of ``world`` trains on.

    ``plan.batch`` is the number of images of a step over all processes. Of each batch a process has the images
    ``rank``, ``rank + world`` ...; what they are depends on their place in the whole batch alone, so that any number of
    processes sees the same ones.
    """

    plan: Plan
    examples: Sequence[Example]
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if self.world > self.plan.batch:
            raise InputError(
                f"plan.json: batch: found {self.plan.batch}, expected at least {self.world}, one image for each of the "
                "processes; start fewer of them or raise batch"
            )

    @property
    def read_seconds(self) -> float:
        """Seconds in which parts of the examples were read, by all threads so far; 0 where they lie in memory."""
        return float(getattr(self.examples, "read_seconds", 0.0))

    def epoch(self, number: int, skip: int = 0) -> Iterator[Batch]:
        """Batches of epoch ``number`` without its first ``skip``."""
        return (draw() for draw in self.draws(number, skip))

    def draws(self, number: int, skip: int = 0) -> Iterator[Callable[[], Batch]]:
        """What draws each batch of `epoch`, in any order and on any thread: see `overread.learn.prefetch`."""
        plan = self.plan
        count = plan.steps_per_epoch * plan.batch
        rng = generator(plan.seed, "order", number, 0)
        order = self._order(rng, count)
        for first in range(skip * plan.batch, count, plan.batch):
            mine = range(first + self.rank, first + plan.batch, self.world)
            yield partial(self._draw, number, [(i, int(order[i])) for i in mine])

    def _order(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """The examples of an epoch: each once before any comes again, or by the plan's sampling."""
        n, weights = len(self.examples), self._weights
        if weights is not None:
            return rng.choice(n, size=count, p=weights)
        return np.concatenate([rng.permutation(n) for _ in range(-(-count // n))])[:count]

    @cached_property
    def _weights(self) -> NDArray[np.float64] | None:
        """How likely each example is drawn; None where all are drawn alike."""
        plan = self.plan
        if plan.sampling.name == "uniform":
            return None
        sampler = build_sampling(plan.sampling, answer=FACTS[plan.task].answer)
        found = sampler(np.stack([shown_by(e.target, len(plan.labels)) for e in self.examples]))
        return found / found.sum()

    def _draw(self, number: int, chosen: Sequence[tuple[int, int]]) -> Batch:
        """The images at places ``(index in the epoch, index of the example)``."""
        task = TASKS[self.plan.task]
        drawn = [self._mixed(task.draw(self.examples[k], self.plan, number, i), number, i) for i, k in chosen]
        targets = [t for _, t in drawn]
        return (
            torch.stack([image for image, _ in drawn]),
            {name: torch.stack([t[name] for t in targets]) for name in targets[0]},
        )

    def _mixed(self, drawn: tuple[Tensor, Tensors], number: int, index: int) -> tuple[Tensor, Tensors]:
        """One image mixed with another example, which is drawn as no other of the epoch is."""
        plan = self.plan
        mixing = draw_mixing(
            plan.mix,
            examples=len(self.examples),
            dimensions=plan.dimensions,
            seed=plan.seed,
            epoch=number,
            index=index,
        )
        if mixing is None:
            return drawn
        beyond = plan.steps_per_epoch * plan.batch + index
        other = TASKS[plan.task].draw(self.examples[mixing.partner], plan, number, beyond)
        return mix(mixing, drawn, other, plan.mix)
