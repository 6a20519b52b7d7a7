"""One training step, the same where it is timed and where it trains."""

from __future__ import annotations

from typing import TypeAlias

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from overread.errors import OverreadError
from overread.learn.losses import build_loss
from overread.learn.losses.protocol import Tensors
from overread.learn.memory_format import in_format, memory_format
from overread.learn.plan import Plan
from overread.nets.architecture import by_name
from overread.nets.build import architecture, build
from overread.task import TASKS

Many: TypeAlias = tuple[Tensor, ...] | list[Tensor]

CLIP = 5.0
AVERAGE_DECAY = 0.99


class Step:
    """Model, optimizer, loss, precision, clipping and averaging of a plan.

    AdamW, gradients clipped to a norm of `CLIP`, and an exponential moving average of weights and statistics. bfloat16
    on a GPU, float32 on a processor.
    """

    def __init__(self, plan: Plan) -> None:
        """Build and initialise by the plan's seed. Raises InputError for a network or loss that does not fit."""
        answer = TASKS[plan.task].answer
        self.loss = build_loss(plan.loss, answer=answer)
        architecture(plan.network.name, answer=answer)
        self.fabric = Fabric(
            accelerator="auto", devices=1, precision="bf16-mixed" if torch.cuda.is_available() else "32-true"
        )
        self.fabric.launch()
        torch.manual_seed(plan.seed)
        network = build(
            plan.network.name,
            plan.dimensions,
            len(plan.channels),
            len(plan.labels),
            plan.network.arguments,
        )
        self._format = memory_format(plan.dimensions)
        network = in_format(network, self._format)
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
        )
        self._model, self._optimizer = self.fabric.setup(network, optimizer)
        self._average = torch.optim.swa_utils.AveragedModel(
            self._model.module, multi_avg_fn=_average, use_buffers=True
        )
        self.steps = 0

    @property
    def average(self) -> nn.Module:
        """The network with averaged weights, which is what a training returns."""
        module: nn.Module = self._average.module
        return module

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.fabric.device

    def __call__(self, image: Tensor, targets: Tensors, rate: float) -> Tensor:
        """Train on one batch at learning ``rate``; the loss before it. Raises OverreadError where it is not finite."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._model.train()
        self._optimizer.zero_grad(set_to_none=True)
        loss = self._forward(self._model, image, targets)
        if not torch.isfinite(loss):
            raise OverreadError(
                f"the loss became {float(loss.detach())} in step {self.steps + 1}: "
                "check the images for wild values, or lower learning_rate in plan.json"
            )
        self.fabric.backward(loss)
        self.fabric.clip_gradients(self._model, self._optimizer, max_norm=CLIP, error_if_nonfinite=False)
        self._optimizer.step()
        self._average.update_parameters(self._model.module)
        self.steps += 1
        return loss.detach()

    @torch.no_grad()
    def measure(self, image: Tensor, targets: Tensors) -> Tensor:
        """The averaged network's loss on a batch; nothing is learnt."""
        return self._forward(self.average.eval(), image, targets)

    def _forward(self, network: nn.Module, image: Tensor, targets: Tensors) -> Tensor:
        x = self.fabric.to_device(image.to(memory_format=self._format))
        return self.loss(by_name(network(x)), self.fabric.to_device(targets))

    def wait(self) -> None:
        """Until a GPU has done what it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


@torch.no_grad()
def _average(means: Many, values: Many, count: Tensor | int) -> None:
    """Exponential moving average whose memory grows with the number of steps up to its full length."""
    if not torch.is_floating_point(means[0]):
        torch._foreach_copy_(means, values)
        return
    decay = min(AVERAGE_DECAY, (1 + float(count)) / (10 + float(count)))
    torch._foreach_lerp_(means, values, 1 - decay)
