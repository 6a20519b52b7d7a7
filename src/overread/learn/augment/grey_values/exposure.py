"""Exposure of a radiograph: fewer quanta make noise where the body is dense, scatter lays a veil over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from overread.learn.augment.grey_values.blur import gaussian
from overread.learn.augment.normal import add_normal

SHARE = 0.3
RANGE = 100.0
"""How many times fewer quanta reach the detector behind the brightest (densest) place than behind the darkest."""
VEIL = 0.08
"""Width of scatter, as a share of the size."""


def draw(most: float, rng: np.random.Generator) -> dict[str, Any]:
    """``noise`` up to ``most`` deviations at the densest place, ``scatter`` up to ``most`` (the share of the image that
    is veil), and a ``seed``, for three in ten images."""
    seen, noise, scatter = rng.random() < SHARE, rng.uniform(0, most), rng.uniform(0, most)
    seed = int(rng.integers(2**31))
    return {"noise": noise, "scatter": min(scatter, 0.9), "seed": seed} if seen else {}


def apply(x: Tensor, drawn: Mapping[str, Any]) -> Tensor:
    """Bright is dense. On a logarithmic scale noise has a deviation of one over the root of the number of quanta."""
    low, high = torch.aminmax(x)
    dense = (x - low) / (high - low).clamp_min(1e-6)
    noise = add_normal(torch.zeros_like(x), deviation=drawn["noise"], seed=drawn["seed"])
    noise.mul_(RANGE ** (0.5 * (dense - 1)))
    # A wide Gaussian: smoothed on fewer voxels, it is the same.
    veil = _wide(x)
    return x.lerp_(veil, drawn["scatter"]).add_(noise)


def _wide(x: Tensor) -> Tensor:
    spatial = tuple(x.shape[1:])
    few = [min(n, 32) for n in spatial]
    mode = "bilinear" if len(spatial) == 2 else "trilinear"
    small = torch.nn.functional.interpolate(x[None], few, mode="area")[0]
    veil = gaussian(small, [VEIL * n for n in few])
    return torch.nn.functional.interpolate(veil[None], spatial, mode=mode, align_corners=False)[0]
