"""The one training loop: every task, every network."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from overread.errors import OverreadError
from overread.learn.batches import Batches
from overread.learn.data import Example
from overread.learn.losses import loss_of
from overread.learn.memory_format import in_format, memory_format
from overread.learn.plan import Augment, Plan
from overread.nets.build import build

WARM_UP = 0.05
CLIP = 5.0
AVERAGE_DECAY = 0.99


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

    AdamW with warm-up and cosine decay, gradient clipping, and an exponential moving average of the weights, which
    is what is returned. The schedule ends with the time given (see `Plan.follow_clock`): after each epoch the
    number of those to come is set anew from the speed seen, and the decay is stretched to match.

    ``advance(total, epoch)`` is called after each step with the number of steps now planned, and with the
    finished `Epoch` at the end of each.

    Raises
    ------
    OverreadError
        The loss is no longer finite.
    """
    from lightning_fabric import Fabric

    fabric = Fabric(
        accelerator="auto", devices=1, precision="bf16-mixed" if torch.cuda.is_available() else "32-true"
    )
    fabric.launch()
    torch.manual_seed(plan.seed)
    network = build(
        plan.network.name, plan.dimensions, len(plan.channels), len(plan.labels), plan.network.arguments
    )
    form = memory_format(plan.dimensions)
    network = in_format(network, form)
    optimizer = torch.optim.AdamW(network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay)
    model, optimizer = fabric.setup(network, optimizer)
    average = torch.optim.swa_utils.AveragedModel(model.module, avg_fn=_average, use_buffers=True)
    loss_function = loss_of(plan.task)
    batches = Batches(plan, train)
    total = plan.epochs * plan.steps_per_epoch
    history: list[Epoch] = []
    step, progress, began = 0, 0.0, time.perf_counter()
    epochs = plan.epochs
    while len(history) < epochs:
        epoch_began, losses = time.perf_counter(), []
        model.train()
        for image, target in batches.epoch(len(history)):
            rate = plan.learning_rate * schedule(progress)
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad(set_to_none=True)
            loss = loss_function(
                model(fabric.to_device(image.to(memory_format=form))), fabric.to_device(target)
            )
            if not torch.isfinite(loss):
                raise OverreadError(
                    f"the loss became {float(loss.detach())} in epoch {len(history) + 1}: "
                    "check the images for wild values, or lower learning_rate in plan.json"
                )
            fabric.backward(loss)
            fabric.clip_gradients(model, optimizer, max_norm=CLIP, error_if_nonfinite=False)
            optimizer.step()
            average.update_parameters(model.module)
            losses.append(loss.detach())
            step += 1
            progress += (1 - progress) / max(1, total - step + 1)
            advance(total, None)
        validation = (
            evaluate_loss(average.module, plan, tune, loss_function) if _due(len(history), epochs) else None
        )
        value = float(torch.stack(losses).mean())
        history.append(Epoch(len(history) + 1, value, validation, rate, time.perf_counter() - epoch_began))
        if plan.follow_clock:
            epochs = min(plan.most_epochs, _epochs_in_time(history, time.perf_counter() - began, plan))
        total = epochs * plan.steps_per_epoch
        advance(total, history[-1])
    return Fitted(
        average.module.eval().cpu(), history, time.perf_counter() - began, plan.epochs, str(fabric.device)
    )


def schedule(progress: float) -> float:
    """Learning rate as a fraction of its peak at ``progress`` (0 to 1): linear warm-up, then half a cosine."""
    if progress < WARM_UP:
        return 0.1 + 0.9 * progress / WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))


def _average(mean: Tensor, value: Tensor, count: Tensor | int) -> Tensor:
    """Exponential moving average whose memory grows with the number of steps up to its full length."""
    if not torch.is_floating_point(mean):
        return value
    decay = min(AVERAGE_DECAY, (1 + float(count)) / (10 + float(count)))
    return mean * decay + value * (1 - decay)


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


@torch.no_grad()
def evaluate_loss(
    network: nn.Module, plan: Plan, examples: Sequence[Example], loss: Callable[[Tensor, Tensor], Tensor]
) -> float | None:
    """Mean loss of ``network`` on patches from the middle (of the foreground) of up to 256 unchanged cases."""
    if not examples:
        return None
    limit = 256 if plan.task == "classification" else 8
    still = plan.model_copy(
        update={
            "augment": Augment(),
            "foreground_share": 1.0,
            "steps_per_epoch": math.ceil(min(limit, len(examples)) / plan.batch),
        }
    )
    device = next(network.parameters()).device
    network.eval()
    values = [
        loss(
            network(image.to(device, memory_format=memory_format(plan.dimensions))),
            target.to(device),
        )
        for image, target in Batches(still, examples[:limit]).epoch(0)
    ]
    return float(torch.stack(values).mean())
