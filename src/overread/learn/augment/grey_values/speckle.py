"""Speckle of ultrasound: grain that is as strong as the echo, wider across the beam than along it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from overread.learn.augment.grey_values.blur import gaussian
from overread.learn.augment.normal import add_normal

SHARE = 0.3


def draw(most: float, rng: np.random.Generator) -> dict[str, Any]:
    """``strength`` up to ``most`` (a share of the echo), ``grain`` of 0.5 to 1.5 voxels along the beam, and a ``seed``,
    for three in ten images."""
    seen, strength, grain = rng.random() < SHARE, rng.uniform(0, most), rng.uniform(0.5, 1.5)
    seed = int(rng.integers(2**31))
    return {"strength": strength, "grain": grain, "seed": seed} if seen else {}


def apply(x: Tensor, drawn: Mapping[str, Any]) -> Tensor:
    """What lies above the darkest value is multiplied by 1 + noise; the beam runs along the first axis (rows)."""
    noise = add_normal(torch.zeros_like(x), deviation=1, seed=drawn["seed"])
    grain = gaussian(noise, [drawn["grain"], *[2 * drawn["grain"]] * (x.ndim - 2)])
    grain.mul_(drawn["strength"] / grain.std().clamp_min(1e-6)).add_(1).clamp_(min=0)
    low = x.amin()
    return x.sub_(low).mul_(grain).add_(low)
