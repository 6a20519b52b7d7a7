"""Spikes in the k-space of MR: stripes over the whole image, as of a spark in the scanner room ("herringbone")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

SHARE = 0.15
MANY = 3


def draw(most: float, rng: np.random.Generator) -> dict[str, Any]:
    """One to three ``spikes`` for three in twenty images: ``height`` up to ``most`` (in deviations of the image),
    ``phase`` in radians, and ``frequency`` of three axes, as a share of the highest one (-1 to 1)."""
    seen, count = rng.random() < SHARE, int(rng.integers(1, MANY + 1))
    drawn = [
        {
            "height": float(rng.uniform(most / 4, most)),
            "phase": float(rng.uniform(0, 2 * np.pi)),
            "frequency": rng.uniform(-1, 1, 3).tolist(),
        }
        for _ in range(MANY)
    ]
    return {"spikes": drawn[:count]} if seen else {}


def apply(x: Tensor, drawn: Mapping[str, Any]) -> Tensor:
    """A point of the spectrum is a plane wave of the image: it is added as one."""
    spread = x.std()
    for spike in drawn["spikes"]:
        wave = torch.full([1] * (x.ndim - 1), complex(np.exp(1j * spike["phase"])), device=x.device)
        for a, n in enumerate(x.shape[1:]):
            # A whole number of waves along each axis, as the points of a discrete spectrum have.
            waves = round(spike["frequency"][a] * (n // 2))
            angle = 2 * torch.pi * waves * torch.arange(n, device=x.device) / n
            line = torch.polar(torch.ones_like(angle), angle)
            wave = wave * line.view([-1 if i == a else 1 for i in range(x.ndim - 1)])
        x.add_(wave.real * (spike["height"] * spread))
    return x
