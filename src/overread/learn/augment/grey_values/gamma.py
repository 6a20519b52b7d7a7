"""Gamma: the curve between darkest and brightest bent, as of another detector or display."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor


def draw(most: float, rng: np.random.Generator) -> dict[str, Any]:
    """``power``, whose logarithm is within ``most``."""
    return {"power": float(np.exp(rng.uniform(-most, most)))}


def apply(x: Tensor, drawn: Mapping[str, Any]) -> Tensor:
    """The image's own extremes are bent between; its mean and deviation stay, so that nothing but the curve changes
    (as nnU-Net's gamma with ``retain_stats``: brightness and contrast are drawn for themselves)."""
    low, high = torch.aminmax(x)
    # From the darkest value on: an image of one value is exactly 0 everywhere.
    bent = x.sub_(low)
    before, deviation = _moments(bent)
    # exp(p log x) is several times faster than pow.
    bent.div_((high - low).clamp_min(1e-6)).log_().mul_(drawn["power"]).exp_()
    mean, spread = _moments(bent)
    factor = deviation / spread.clamp_min(1e-6)
    return bent.mul_(factor).add_(low + before - mean * factor)


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation; as a dot product they cost a tenth of `Tensor.std`."""
    flat, n = x.reshape(-1), x.numel()
    mean = flat.sum() / n
    return mean, (torch.dot(flat, flat) / n - mean * mean).clamp_min(0).sqrt()
