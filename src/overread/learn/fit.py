"""The one training loop: every task, every network."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from overread.learn.example import Example
from overread.learn.patch_batches import PatchBatches
from overread.learn.plan import Augment, Plan
from overread.learn.step import Step
from overread.task import TASKS

WARM_UP = 0.05
# Of tuning cases, how many the loss is watched on: whole images, or patches.
WATCHED_IMAGES, WATCHED_PATCHES = 256, 8


@dataclass(frozen=True)
class Epoch:
    """What one epoch did. ``validation_loss`` is None where it was not measured."""

    epoch: int
    loss: float
    validation_loss: float | None
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class Fitted:
    """Averaged weights, the history, and how far the training kept to its time."""

    network: nn.Module
    history: list[Epoch]
    seconds: float
    epochs_planned: int
    device: str

    def record(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "device": self.device,
            "seconds": round(self.seconds, 1),
            "epochs": len(self.history),
            "epochs_planned": self.epochs_planned,
            "history": [asdict(e) for e in self.history],
        }


def fit(
    plan: Plan,
    train: Sequence[Example],
    tune: Sequence[Example],
    advance: Callable[[int, Epoch | None], None] = lambda total, epoch: None,
) -> Fitted:
    """Train ``plan``'s network on ``train`` and watch the loss on ``tune``.

    The steps are those of `overread.learn.step.Step`, the learning rate warms up and decays by half a cosine. The
    schedule ends with the time given (see `Plan.follow_clock`): after each epoch the number of those to come is set
    anew from the speed seen, and the decay is stretched to match. What is returned are the averaged weights.

    ``advance(total, epoch)`` is called after each step with the number of steps now planned, and with the
    finished `Epoch` at the end of each.

    Raises
    ------
    InputError
        A network, loss or grey-value transform that does not exist or does not fit.
    OverreadError
        The loss is no longer finite.
    """
    step = Step(plan)
    batches = PatchBatches(plan, train)
    total = plan.epochs * plan.steps_per_epoch
    history: list[Epoch] = []
    progress, began = 0.0, time.perf_counter()
    epochs = plan.epochs
    while len(history) < epochs:
        epoch_began, losses = time.perf_counter(), []
        rate = 0.0
        for image, targets in batches.epoch(len(history)):
            rate = plan.learning_rate * schedule(progress)
            losses.append(step(image, targets, rate))
            progress += (1 - progress) / max(1, total - step.steps + 1)
            advance(total, None)
        validation = evaluate_loss(step, plan, tune) if _due(len(history), epochs) else None
        value = float(torch.stack(losses).mean())
        history.append(Epoch(len(history) + 1, value, validation, rate, time.perf_counter() - epoch_began))
        if plan.follow_clock:
            epochs = min(plan.most_epochs, _epochs_in_time(history, time.perf_counter() - began, plan))
        total = epochs * plan.steps_per_epoch
        advance(total, history[-1])
    return Fitted(
        step.average.eval().cpu(), history, time.perf_counter() - began, plan.epochs, str(step.device)
    )


def schedule(progress: float) -> float:
    """Learning rate as a fraction of its peak at ``progress`` (0 to 1): linear warm-up, then half a cosine."""
    if progress < WARM_UP:
        return 0.1 + 0.9 * progress / WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))


def _epochs_in_time(history: Sequence[Epoch], elapsed: float, plan: Plan) -> int:
    """How many epochs fit into the planned time at the speed seen so far; at least those done."""
    remaining = plan.train_seconds - elapsed
    recent = sorted(e.seconds for e in history[-5:])
    typical = recent[len(recent) // 2]
    return len(history) + max(0, round(remaining / max(typical, 1e-9)))


def _due(done: int, epochs: int) -> bool:
    """Whether the tuning loss is measured after this epoch: about twelve times in all, and at the end."""
    every = max(1, epochs // 12)
    return (done + 1) % every == 0 or done + 1 == epochs


def evaluate_loss(step: Step, plan: Plan, examples: Sequence[Example]) -> float | None:
    """Mean loss of the averaged network on unchanged images, or patches of foreground, of cases all over the table."""
    if not examples:
        return None
    limit = WATCHED_PATCHES if TASKS[plan.task].local else WATCHED_IMAGES
    watched = [examples[i] for i in range(0, len(examples), max(1, math.ceil(len(examples) / limit)))]
    still = plan.model_copy(
        update={
            "augment": Augment(),
            "foreground_share": 1.0,
            "steps_per_epoch": math.ceil(len(watched) / plan.batch),
        }
    )
    values = [step.measure(image, targets) for image, targets in PatchBatches(still, watched).epoch(0)]
    return float(torch.stack(values).mean())
