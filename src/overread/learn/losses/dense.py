"""What losses of label maps read: logits, a mask, what of it is stated, and the coarser outputs of deep supervision.

``logits`` are ``(b, channels, *spatial)``; the shape of ``mask`` says what the channels are:

- ``(b, *spatial)``, whole numbers: one label of several, the first the background. The channels go through a softmax.
- ``(b, channels, *spatial)``, 0 or 1: regions side by side, which may lie within each other. Sigmoids.

`IGNORE` in a mask says that nobody knows: such a voxel (of regions: in that channel) counts in no sum and has no
gradient. ``valid`` ``(b, channels)``, which may be missing, says which labels the truth of each image states at all. A
region that is not stated counts nowhere. A label that is not stated may hide in what the truth calls background: its
probability is added to that of the background (marginal loss, Shi 2021, arXiv 2007.03868).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from overread.learn.losses.protocol import Tensors, full

IGNORE = 255
"""In a mask: nobody says what is here."""


@dataclass(frozen=True)
class Dense:
    """Probabilities beside the truth, all ``(b, channels, *spatial)``.

    ``log_p`` are the logarithms of ``p``, ``log_absent`` those of ``1 - p`` for regions and None for labels that
    exclude each other. ``truth`` is 0 where nothing is ``counted``, which is 1 where truth and probability count and 0
    elsewhere; it may have one channel for all.
    """

    p: Tensor
    log_p: Tensor
    log_absent: Tensor | None
    truth: Tensor
    counted: Tensor

    @property
    def exclusive(self) -> bool:
        """Whether every voxel has one label of several; else each region is there or not."""
        return self.log_absent is None

    def without_background(self) -> Dense:
        """Without the first of labels that exclude each other; regions have no background."""
        if not self.exclusive:
            return self
        one = self.counted.shape[1] == 1
        return replace(
            self,
            p=self.p[:, 1:],
            log_p=self.log_p[:, 1:],
            truth=self.truth[:, 1:],
            counted=self.counted if one else self.counted[:, 1:],
        )


def read(logits: Tensor, mask: Tensor, valid: Tensor | None = None) -> Dense:
    """Logits, mask and what is stated, see above, as probabilities and truth. Raises ValueError for other shapes."""
    z = full(logits)
    if mask.shape == z.shape:
        return _regions(z, mask, valid)
    if mask.shape != (z.shape[0], *z.shape[2:]):
        raise ValueError(
            f"mask: found {tuple(mask.shape)}, expected {(z.shape[0], *z.shape[2:])} of labels or {tuple(z.shape)} of "
            "regions"
        )
    return _labels(z, mask, valid)


def _regions(z: Tensor, mask: Tensor, valid: Tensor | None) -> Dense:
    counted = (mask != IGNORE).to(z.dtype)
    if valid is not None:
        counted = counted * _beside(valid, z)
    log_p = F.logsigmoid(z)
    return Dense(z.sigmoid(), log_p, log_p - z, (mask == 1).to(z.dtype) * counted, counted)


def _labels(z: Tensor, mask: Tensor, valid: Tensor | None) -> Dense:
    counted = (mask != IGNORE)[:, None].to(z.dtype)
    index = torch.where(mask == IGNORE, torch.zeros_like(mask), mask)[:, None].long()
    log_p = torch.log_softmax(z, dim=1)
    truth = torch.zeros_like(z).scatter_(1, index, 1.0) * counted
    if valid is not None:
        stated = _beside(valid, z).clone()
        stated[:, 0] = 1
        hidden = 1 - stated
        hidden[:, 0] = 1
        # What may hide in the background is part of it, in the truth too.
        truth = torch.cat([(truth * hidden).sum(1, keepdim=True), (truth * stated)[:, 1:]], dim=1)
        together = torch.logsumexp(log_p + hidden.log(), dim=1, keepdim=True)
        log_p = torch.cat([together, log_p[:, 1:]], dim=1)
        counted = counted * stated
    return Dense(log_p.exp(), log_p, None, truth, counted)


def _beside(valid: Tensor, z: Tensor) -> Tensor:
    return valid.to(z.dtype).reshape(*z.shape[:2], *(1,) * (z.ndim - 2))


@dataclass(frozen=True)
class DenseLoss:
    """A loss of label maps: the function ``of`` of a `Dense`, at every scale that a network answers in.

    ``logits_1``, ``logits_2`` ... are the coarser outputs of a network under deep supervision (Lee 2015, arXiv
    1409.5185): each is compared with the nearest voxels of the mask and counts half as much as the one before
    (nnU-Net, doi 10.1038/s41592-020-01008-z); together the weights are 1.
    """

    of: Callable[[Dense], Tensor]

    def __call__(self, outputs: Tensors, targets: Tensors) -> Tensor:
        """The loss of ``outputs`` ``logits``, ``logits_1`` ... against ``mask`` and, where it is there, ``valid``."""
        scales = scales_of(outputs)
        total, weights = torch.zeros((), device=scales[0].device), sum(0.5**i for i in range(len(scales)))
        for i, logits in enumerate(scales):
            mask = nearest(targets["mask"], logits.shape[2:])
            total = total + 0.5**i / weights * self.of(read(logits, mask, targets.get("valid")))
        return total


def scales_of(outputs: Tensors) -> list[Tensor]:
    """``logits`` and the coarser ``logits_1``, ``logits_2`` ..., finest first."""
    names = [name for name in outputs if re.fullmatch(r"logits_\d+", name)]
    return [outputs["logits"], *(outputs[name] for name in sorted(names, key=lambda n: int(n[7:])))]


def nearest(mask: Tensor, size: torch.Size) -> Tensor:
    """The last axes of ``mask`` with as many cells as ``size``, each the voxel at its middle; itself where it has."""
    first = mask.ndim - len(size)
    for axis, n in enumerate(size, start=first):
        of = mask.shape[axis]
        if of != n:
            index = ((torch.arange(n, device=mask.device) + 0.5) * of / n).long()
            mask = mask.index_select(axis, index)
    return mask
