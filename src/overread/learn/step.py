"""One training step, the same where it is timed and where it trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zlib import crc32

import torch
from torch import Tensor, nn

from overread.errors import OverreadError
from overread.learn.average import Average
from overread.learn.batch_norm import over_processes
from overread.learn.hardware import lacks_bfloat16
from overread.learn.losses import build_loss
from overread.learn.losses.protocol import Tensors
from overread.learn.memory_format import in_format, memory_format
from overread.learn.plan import Plan
from overread.learn.processes import fabric_of, rank, world
from overread.learn.transfer.start import built, load_start
from overread.learn.transfer.tune import free, groups, hold_norms
from overread.nets.architecture import by_name
from overread.nets.networks import architecture
from overread.task import TASKS

CLIP = 5.0


class Step:
    """Model, optimizer, loss, precision, clipping and averaging of a plan, on this process's share of each batch.

    AdamW (Loshchilov 2019, arXiv 1711.05101), whose decay spares norms and biases, gradients clipped to a norm of
    `CLIP`, and an exponential moving average of weights and statistics. Several processes do what one would do with
    the whole batch: losses and batch statistics are of all of it, see `overread.learn.pooled`.
    """

    def __init__(
        self, plan: Plan, *, precision: str | None = None, start: Mapping[str, Tensor] | None = None
    ) -> None:
        """Build and initialise by the plan's seed, its pretrained weights, or ``start``, the network's state.

        ``precision`` is ``float32`` or ``bfloat16``; without it the plan's, where ``auto`` is what the machine has.

        Raises InputError for a network, weights or a loss that do not fit.
        """
        answer = TASKS[plan.task].answer
        self.loss = build_loss(plan.loss, answer=answer, ordered=TASKS[plan.task].ordered)
        made = architecture(plan.network.name, answer=answer)
        if precision is None:
            precision = plan.precision
        if precision == "auto":
            precision = "float32" if lacks_bfloat16() else "bfloat16"
        self.fabric = fabric_of(precision)
        self.fabric.launch()
        self.accumulate = plan.accumulate
        # Every process takes as many parts: each part has sums that they make together.
        self._most_parts = plan.batch // world() if world() > 1 else plan.batch
        self._seed = plan.seed
        torch.manual_seed(plan.seed)
        network = built(plan)
        if start is None:
            load_start(network, plan)
        else:
            network.load_state_dict(start)
        if plan.transfer:
            parameters = groups(network, plan, made)
        else:
            parameters = decayed(network, plan.weight_decay)
        self._hold_norms = plan.transfer is not None and plan.transfer.norms == "kept"
        if world() > 1:
            network = over_processes(network, self.fabric.device)
        self._format = memory_format(plan.dimensions)
        network = in_format(network, self._format)
        optimizer = torch.optim.AdamW(parameters, lr=plan.learning_rate)
        self._model, self._optimizer = self.fabric.setup(network, optimizer)
        self._average = Average(self._model.module, decay=plan.average_decay)
        self.steps, self.rate = 0, 0.0

    @property
    def average(self) -> nn.Module:
        """The network with averaged weights, which is what a training returns."""
        return self._average.module

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.fabric.device

    def __call__(self, image: Tensor, targets: Tensors, rate: float, *, progress: float = 1.0) -> Tensor:
        """Train on one batch (this process's share) at learning ``rate``; the loss before it, of all processes.

        ``progress`` of the training (0 to 1) frees stages that begin to learn later.

        With `accumulate` parts the gradient is the mean over them, by their number of images; what a loss or a
        normalisation pools over the batch it then pools over a part.

        Raises OverreadError where the loss is not finite: weights and averages are spoilt then. Where memory gives out,
        which it does while the gradients are made, nothing has changed but the statistics of normalisations.
        """
        self.rate = rate
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group.get("scale", 1.0) * (progress >= group.get("since", 0.0))
        if world() == 1:
            free(self._optimizer.param_groups, progress)
        self._model.train()
        if self._hold_norms:
            hold_norms(self._model)
        self._optimizer.zero_grad(set_to_none=True)
        # What a network draws by chance (dropout) depends on the step alone, so that a later start draws it again.
        torch.manual_seed(crc32(f"{self._seed} {self.steps} {rank()}".encode()))
        loss = self._gradients(image, targets)
        self.fabric.clip_gradients(self._model, self._optimizer, max_norm=CLIP, error_if_nonfinite=False)
        self._optimizer.step()
        self._average.update(self._model.module)
        self.steps += 1
        # Last, since it waits for a GPU: by now that has been given all it has to do.
        if not torch.isfinite(loss):
            raise OverreadError(
                f"the loss became {float(loss)} in step {self.steps}: "
                "check the images for wild values, or lower learning_rate in plan.json"
            )
        return loss

    def _gradients(self, image: Tensor, targets: Tensors) -> Tensor:
        parts = min(self.accumulate, len(image), self._most_parts)
        images = image.tensor_split(parts)
        split = {name: t.tensor_split(parts) for name, t in targets.items()}
        total = torch.zeros((), device=self.device)
        for i, part in enumerate(images):
            last = i + 1 == parts
            with self.fabric.no_backward_sync(self._model, enabled=world() > 1 and not last):
                loss = self._forward(self._model, part, {k: v[i] for k, v in split.items()})
                share = loss * (1 / parts if world() > 1 else len(part) / len(image))
                self.fabric.backward(share)
            total += share.detach()
        return total

    def forget(self) -> None:
        """Drop the gradients of a step that did not end, and give memory back."""
        self._optimizer.zero_grad(set_to_none=True)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    @torch.no_grad()
    def measure(self, image: Tensor, targets: Tensors) -> Tensor:
        """The averaged network's loss on a batch; nothing is learnt."""
        return self._forward(self.average.eval(), image, targets)

    def _forward(self, network: nn.Module, image: Tensor, targets: Tensors) -> Tensor:
        x = self.fabric.to_device(image.to(memory_format=self._format))
        return self.loss(by_name(network(x)), self.fabric.to_device(targets))

    def state(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {
            "steps": self.steps,
            "rate": self.rate,
            "network": self._model.module.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Back to what `state` gave."""
        self.steps, self.rate = int(state["steps"]), float(state["rate"])
        self._model.module.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._average.load(state["average"])

    def wait(self) -> None:
        """Until a GPU has done what it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def decayed(network: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Parameters for an optimizer: weight decay for matrices and kernels, none for norms' scales and biases."""
    wanted = [p for p in network.parameters() if p.requires_grad]
    kernels, others = [p for p in wanted if p.ndim > 1], [p for p in wanted if p.ndim <= 1]
    groups = [{"params": kernels, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]
