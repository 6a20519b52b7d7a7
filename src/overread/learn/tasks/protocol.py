"""What every task does while it learns; the modules beside this one fulfil it as they are (PEP 544)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from overread.cohort.fingerprint import Fingerprint
from overread.cohort.truth.protocol import TruthValue
from overread.imaging.image import Image
from overread.learn.example import Arrays, Example
from overread.learn.losses.protocol import Tensors
from overread.learn.plan import Plan
from overread.learn.planner.choice import Choice
from overread.learn.planner.room import Room
from overread.runtime.manifest import Preprocess


class LearnTask(Protocol):
    """One task while it learns. Its loss stands in the plan, by name."""

    def grid(self, look: Fingerprint, room: Room, /) -> tuple[Mapping[str, Any], str]:
        """``spacing`` or ``size`` of the network's grid, as `Preprocess` takes them, and the reason."""
        ...

    def choose(self, look: Fingerprint, room: Room, spec: Preprocess, limit: int, /) -> Choice:
        """Patch of at most ``limit`` voxels, batch, network, loss, augmentation and rates for the grid of ``spec``.

        A task that sees the whole image has no choice of patch, whatever the ``limit``.
        """
        ...

    def target(self, truth: TruthValue, image: Image, spec: Preprocess, /) -> Arrays:
        """The truth onto the network's grid."""
        ...

    def draw(self, example: Example, plan: Plan, epoch: int, index: int, /) -> tuple[Tensor, Tensors]:
        """One training image ``(channels, *patch)`` and its targets, changed alike; decided by (seed, epoch, index)."""
        ...

    def blank(self, plan: Plan, size: tuple[int, ...], rng: np.random.Generator, /) -> Arrays:
        """A target of random content for an image of ``size``, for timing and memory."""
        ...

    def score(self, outputs: Tensors, label: int, /) -> Tensor:
        """``(batch,)``: what an explanation of ``label`` explains."""
        ...
