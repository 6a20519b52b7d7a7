"""CT at a lower dose: noise with the grain of filtered back-projection, which has no slow part within a slice.

Its variance grows as the dose falls (Yu 2012, doi 10.1097/RCT.0b013e3182496763: inserted noise of dose a has the
deviation of the image's own times the root of 1/a - 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from overread.learn.augment.grey_values.blur import gaussian
from overread.learn.augment.normal import add_normal

SHARE = 0.3
NOISE = 0.1
"""Noise at full dose, in deviations of the network's input: 20 HU where one is 200 HU."""


def draw(most: float, rng: np.random.Generator) -> dict[str, Any]:
    """``dose``, one over a factor of 1 to 1 + ``most``, and the ``seed`` of the noise, for three in ten images."""
    seen, factor, seed = rng.random() < SHARE, 1 + rng.uniform(0, most), int(rng.integers(2**31))
    return {"dose": 1 / factor, "seed": seed} if seen and factor > 1 else {}


def apply(x: Tensor, drawn: Mapping[str, Any]) -> Tensor:
    """Independent from slice to slice (along a third axis)."""
    noise = add_normal(torch.zeros_like(x), deviation=1, seed=drawn["seed"])
    plane = [1 if a < 2 else 0 for a in range(x.ndim - 1)]
    fine = gaussian(noise, [0.6 * p for p in plane])
    grain = fine - gaussian(fine, [1.8 * p for p in plane])
    return x.add_(grain, alpha=float(NOISE * (1 / drawn["dose"] - 1) ** 0.5 / grain.std().clamp_min(1e-6)))
