"""What every task does while it learns; the modules beside this one fulfil it as they are (PEP 544)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from overread.cohort.fingerprint import Fingerprint
from overread.cohort.truth.protocol import TruthValue
from overread.imaging.image import Image
from overread.learn.plan import Augment, Named, Network, Plan
from overread.runtime.manifest import Preprocess

Tensors: TypeAlias = dict[str, Tensor]
"""Targets or network outputs by name."""


@dataclass(frozen=True)
class Room:
    """What there is to plan in.

    Attributes
    ----------
    dimensions, channels, labels
        Of the network's input and output.
    cases
        Number of training cases.
    seconds
        Wall-clock time for training and for answering ``answered`` cases afterwards.
    gpu
        Whether a GPU is there.
    """

    dimensions: int
    channels: int
    labels: tuple[str, ...]
    cases: int
    answered: int
    seconds: float
    gpu: bool


@dataclass(frozen=True)
class Choice:
    """What a task chose for its training, with a sentence for each decision."""

    patch: list[int]
    batch: int
    network: Network
    loss: Named
    augment: Augment
    learning_rate: float
    weight_decay: float
    steps_per_epoch: int
    most_epochs: int
    windows: int
    foreground_share: float
    reasons: list[str]


class Target(Protocol):
    """A truth on the network's grid, whatever it is made of."""


@dataclass(frozen=True)
class Example:
    """One prepared case: image ``(channels, *grid)`` float32, and its target as the task's `LearnTask.target` gave it."""

    case: str
    image: NDArray[np.float32]
    target: Any


class LearnTask(Protocol):
    """One task while it learns."""

    def grid(self, look: Fingerprint, room: Room, /) -> tuple[Mapping[str, Any], str]:
        """``spacing`` or ``size`` of the network's grid, as `Preprocess` takes them, and the reason."""
        ...

    def choose(self, look: Fingerprint, room: Room, spec: Preprocess, limit: int, /) -> Choice:
        """Patch of at most ``limit`` voxels, batch, network, loss, augmentation and rates for the grid of ``spec``."""
        ...

    def target(self, truth: TruthValue, image: Image, spec: Preprocess, /) -> Any:
        """The truth onto the network's grid."""
        ...

    def draw(self, example: Example, plan: Plan, epoch: int, index: int, /) -> tuple[Tensor, Tensors]:
        """One training image ``(channels, *patch)`` and its targets, changed alike; decided by (seed, epoch, index)."""
        ...

    def blank(self, plan: Plan, /) -> Tensors:
        """Targets of a whole batch on random data, for timing and memory."""
        ...

    def loss(self, plan: Plan, /) -> Callable[[Tensors, Tensors], Tensor]:
        """``(outputs, targets) -> scalar``."""
        ...

    def score(self, outputs: Tensors, label: int, /) -> Tensor:
        """``(batch,)``: what an explanation of ``label`` explains."""
        ...
