"""How long a training step takes on this machine, and what memory it needs."""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from overread.learn.example import Example
from overread.learn.patch_batches import PatchBatches
from overread.learn.plan import Plan
from overread.learn.step import Step
from overread.learn.tasks import TASKS

LEAST_STEPS, LEAST_SECONDS = 4, 2.0


@dataclass(frozen=True)
class Timing:
    """Seconds of a training ``step``, of drawing its ``batch``, and peak GiB of memory."""

    step: float
    batch: float
    memory_gib: float


def time_step(plan: Plan, size: Sequence[int]) -> Timing:
    """Train ``plan`` for some steps on random images of ``size`` voxels: the very steps that the training takes.

    The fastest of some seconds' steps is taken: what else runs on the machine only slows it, and the training loop
    follows the clock where that goes on.
    """
    rng = np.random.default_rng(0)
    image = rng.normal(size=(len(plan.channels), *size)).astype(np.float32)
    example = Example("random", image, TASKS[plan.task].blank(plan, tuple(size), rng))
    batches = PatchBatches(plan.model_copy(update={"steps_per_epoch": 1}), [example])
    step = Step(plan)
    steps: list[float] = []
    draws: list[float] = []
    while len(steps) < LEAST_STEPS or sum(steps) + sum(draws) < LEAST_SECONDS:
        began = time.perf_counter()
        [(images, targets)] = batches.epoch(len(steps))
        drawn = time.perf_counter()
        step(images, targets, plan.learning_rate)
        step.wait()
        draws.append(drawn - began)
        steps.append(time.perf_counter() - drawn)
    on_gpu = step.device.type == "cuda"
    memory = torch.cuda.max_memory_allocated() / 2**30 if on_gpu else _peak_gib()
    return Timing(min(steps), min(draws), memory)


def _peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
