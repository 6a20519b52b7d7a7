"""Gaussian noise, as of a lower dose or a faster scan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from overread.learn.augment.normal import add_normal

SHARE = 0.5


def draw(most: float, rng: np.random.Generator) -> dict[str, Any]:
    """``deviation`` up to ``most``, for half of the images, and the ``seed`` of the noise itself."""
    noisy, deviation, seed = rng.random() < SHARE, rng.uniform(0, most), int(rng.integers(2**31))
    return {"deviation": deviation, "seed": seed} if noisy else {}


def apply(x: Tensor, drawn: Mapping[str, Any]) -> Tensor:
    """Independent in every voxel and channel."""
    return add_normal(x.contiguous(), deviation=drawn["deviation"], seed=int(drawn["seed"]))
