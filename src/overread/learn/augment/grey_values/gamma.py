"""Gamma: the curve between darkest and brightest bent, as of another detector or display."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor


def draw(most: float, rng: np.random.Generator) -> dict[str, float]:
    """``power``, whose logarithm is within ``most``."""
    return {"power": float(np.exp(rng.uniform(-most, most)))}


def apply(x: Tensor, drawn: Mapping[str, float]) -> Tensor:
    """The image's own extremes are bent between; its mean and deviation stay, so that nothing but the curve changes
    (as nnU-Net's gamma with ``retain_stats``: brightness and contrast are drawn for themselves)."""
    low, high = x.amin(), x.amax()
    span = (high - low).clamp_min(1e-6)
    mean = x.mean()
    deviation = torch.linalg.vector_norm(x - mean)
    # exp(p log x) is several times faster than pow.
    bent = x.sub(low).div_(span).log_().mul_(drawn["power"]).exp_()
    bent.sub_(bent.mean())
    return bent.mul_(deviation / torch.linalg.vector_norm(bent).clamp_min(1e-6)).add_(mean)
