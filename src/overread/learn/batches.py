"""Training batches: which case, which patch, which augmentation, all decided by (seed, epoch, index)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from overread.learn.augment import apply, draw, generator, random_crop
from overread.learn.data import Example
from overread.learn.plan import Plan

# Room around a patch for rotation and shift, so that the edges of a patch show anatomy and not repeated voxels.
MARGIN = 1.15


@dataclass
class Batches:
    """Endless training batches of ``plan``; iterate over `epoch`."""

    plan: Plan
    examples: Sequence[Example]

    def __post_init__(self) -> None:
        # Foreground voxels by label, so that rare labels are seen as often as common ones.
        self._foreground: list[list[NDArray[np.intp]]] = []
        if self.plan.task == "segmentation" and self.plan.foreground_share > 0:
            self._foreground = [_voxels(e, len(self.plan.labels)) for e in self.examples]

    def epoch(self, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of one epoch: images ``(batch, channels, *patch)`` and targets."""
        plan = self.plan
        count = plan.steps_per_epoch * plan.batch
        rng = generator(plan.seed, number, 2**32)
        rounds = -(-count // len(self.examples))
        order = np.concatenate([rng.permutation(len(self.examples)) for _ in range(rounds)])[:count]
        for first in range(0, count, plan.batch):
            pairs = [
                self._one(number, first + i, int(k)) for i, k in enumerate(order[first : first + plan.batch])
            ]
            yield torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs])

    def _one(self, epoch: int, index: int, k: int) -> tuple[Tensor, Tensor]:
        plan, example = self.plan, self.examples[k]
        rng = generator(plan.seed, epoch, index)
        change = draw(plan.augment, plan.dimensions, rng)
        patch = tuple(plan.patch)
        if isinstance(example.target, int):
            image, _ = apply(change, torch.from_numpy(example.image), size=patch)
            return image, torch.tensor(example.target)
        spatial = example.target.shape
        wide = tuple(max(p, min(n, round(p * MARGIN))) for p, n in zip(patch, spatial, strict=True))
        centre = self._centre(k, spatial, rng)
        array, mask = random_crop(example.image, example.target, wide, centre)
        image, label = apply(
            change,
            torch.from_numpy(np.ascontiguousarray(array)),
            torch.from_numpy(np.ascontiguousarray(mask)),
            patch,
            plan.preprocess.spacing,
        )
        assert label is not None
        return image, label

    def _centre(self, k: int, spatial: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.integer]:
        share = self.plan.foreground_share
        if self._foreground and self._foreground[k] and rng.random() < share:
            voxels = self._foreground[k][rng.integers(len(self._foreground[k]))]
            return np.array(np.unravel_index(voxels[rng.integers(len(voxels))], spatial))
        return np.array([rng.integers(n) for n in spatial])


def _voxels(example: Example, labels: int) -> list[NDArray[np.intp]]:
    assert isinstance(example.target, np.ndarray)
    found = [np.flatnonzero(example.target == k) for k in range(1, labels)]
    return [f for f in found if f.size]
