"""Which of several networks is kept: the one whose answers to the tuning cases lose least.

Each network gives its loss case by case, the plan's own, after one factor on its logits (a temperature, Guo 2017,
arXiv 1706.04599) has been fitted on the same cases: packages are calibrated, too, and a network that is right but
too sure would else lose to a timid one. A loss counts every case, where an area under a curve or a kappa of some dozen
cases moves by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from overread.learn.example import Example
from overread.learn.losses import build_loss
from overread.learn.losses.protocol import LossFunction, Tensors
from overread.learn.memory_format import in_format, memory_format
from overread.learn.plan import Augment, Plan
from overread.learn.pooled import alone
from overread.learn.tasks import TASKS
from overread.nets.architecture import by_name
from overread.stats.bootstrap import resample_counts
from overread.task import TASKS as FACTS

FACTORS = tuple(float(f) for f in np.geomspace(0.1, 3, 40))
SCALED = ("classes", "findings")
"""Answers whose logits are calibrated by a factor."""
RESAMPLES, LEVEL = 2000, 0.95
AT_ONCE = 16


@dataclass(frozen=True)
class Judged:
    """A candidate's loss on each tuning case, and the factor on its logits."""

    name: str
    losses: NDArray[np.float64]
    factor: float

    @property
    def mean(self) -> float:
        """Over the cases."""
        return float(self.losses.mean())


@torch.no_grad()
def judged(name: str, network: nn.Module, plan: Plan, examples: Sequence[Example]) -> Judged:
    """The losses of ``network``'s answers to the unchanged ``examples``."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    form = memory_format(plan.dimensions)
    in_format(network.eval().to(device), form)
    still = plan.model_copy(update={"augment": Augment(channels=plan.augment.channels)})
    outputs: list[Tensors] = []
    targets: list[Tensors] = []
    for first in range(0, len(examples), AT_ONCE):
        drawn = [
            TASKS[plan.task].draw(examples[i], still, 0, i)
            for i in range(first, min(first + AT_ONCE, len(examples)))
        ]
        batch = torch.stack([image for image, _ in drawn]).to(device, memory_format=form)
        found = by_name(network(batch))
        outputs += [{k: v[i : i + 1].double().cpu() for k, v in found.items()} for i in range(len(drawn))]
        targets += [{k: v[None] for k, v in target.items()} for _, target in drawn]
    network.cpu()
    facts = FACTS[plan.task]
    loss = build_loss(plan.loss, answer=facts.answer, ordered=facts.ordered)
    factors = FACTORS if facts.answer in SCALED else (1.0,)
    tried = {f: _losses(loss, outputs, targets, f) for f in factors}
    best = min(tried, key=lambda f: float(tried[f].mean()))
    return Judged(name, tried[best], best)


def _losses(
    loss: LossFunction, outputs: Sequence[Tensors], targets: Sequence[Tensors], factor: float
) -> NDArray[np.float64]:
    def scaled(output: Tensors) -> Tensors:
        return {k: v * factor if k == "logits" else v for k, v in output.items()}

    with alone():
        return np.array([float(loss(scaled(o), t)) for o, t in zip(outputs, targets, strict=True)])


def difference(a: Judged, b: Judged, *, patients: Sequence[str], seed: int = 0) -> tuple[float, float, float]:
    """Mean loss of ``a`` less that of ``b``, and the limits of its 95% interval: bootstrap of whole patients."""
    _, group = np.unique(np.asarray(patients), return_inverse=True)
    units = int(group.max()) + 1
    each = np.bincount(group, a.losses - b.losses, minlength=units)
    size = np.bincount(group, minlength=units).astype(float)
    means = np.concatenate([c @ each / (c @ size) for c in resample_counts(units, RESAMPLES, seed)])
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(each.sum() / size.sum()), float(low), float(high)


def halfway(a: dict[str, Tensor], b: dict[str, Tensor]) -> dict[str, Tensor]:
    """The mean of two states of one network (Wortsman 2022, arXiv 2109.01903); what counts is taken from ``b``."""
    return {k: (a[k] + v) / 2 if v.is_floating_point() else v for k, v in b.items()}
