"""Blur by a Gaussian, as of a softer kernel or a thicker slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

SHARE = 0.25
# A narrower Gaussian falls between two voxels and changes nothing.
LEAST = 0.3


def draw(most: float, rng: np.random.Generator) -> dict[str, Any]:
    """``sigma`` in voxels up to ``most``, for a quarter of the images."""
    blurred, sigma = rng.random() < SHARE, rng.uniform(0, most)
    return {"sigma": sigma} if blurred and sigma > LEAST else {}


def apply(x: Tensor, drawn: Mapping[str, Any]) -> Tensor:
    """One axis after the other; edges are repeated."""
    return gaussian(x, [drawn["sigma"]] * (x.ndim - 1))


def gaussian(x: Tensor, sigmas: Sequence[float]) -> Tensor:
    """``(channels, *spatial)`` smoothed by ``sigmas`` voxels along each axis (0: not), out to two of them."""
    d = x.ndim - 1
    conv = F.conv2d if d == 2 else F.conv3d
    x = x[:, None]
    for axis, sigma in enumerate(sigmas):
        if sigma <= 0:
            continue
        radius = max(1, int(2 * sigma + 0.5))
        t = torch.arange(-radius, radius + 1, dtype=torch.float32, device=x.device)
        kernel = torch.exp(-0.5 * (t / sigma) ** 2)
        kernel /= kernel.sum()
        shape = [1, 1, *[len(t) if i == axis else 1 for i in range(d)]]
        pad = [p for i in reversed(range(d)) for p in ([radius, radius] if i == axis else [0, 0])]
        x = conv(F.pad(x, pad, mode="replicate"), kernel.view(shape))
    return x[:, 0]
