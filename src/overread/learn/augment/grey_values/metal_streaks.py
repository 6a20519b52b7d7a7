"""Streaks of metal in CT: a bright piece, and bright and dark rays from it within the slices that it lies in.

An appearance, not a simulation of beam hardening and photon starvation: rays are a random Fourier series over the angle
that fades with the distance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

SHARE = 0.1
WAVES = 24
PIECE = 0.015
"""Radius of the piece, and thickness along the slices, as a share of the size."""


def draw(most: float, rng: np.random.Generator) -> dict[str, Any]:
    """``height`` of the rays up to ``most`` deviations of the image, for a tenth of the images; ``place`` as a share of
    three axes; ``rays`` are the amplitudes and phases of 24 waves over the angle."""
    seen, height = rng.random() < SHARE, rng.uniform(most / 4, most)
    place, amplitude = rng.uniform(0.2, 0.8, 3), rng.normal(0, 1, WAVES) / WAVES**0.5
    phase = rng.uniform(0, 2 * np.pi, WAVES)
    rays = np.stack([amplitude, phase], axis=1).tolist()
    return {"height": height, "place": place.tolist(), "rays": rays} if seen else {}


def apply(x: Tensor, drawn: Mapping[str, Any]) -> Tensor:
    """In the plane of the first two axes; along a third one they fade within a few slices."""
    spread = x.std()
    lines = [
        (torch.arange(n, device=x.device) + 0.5) / n - place
        for n, place in zip(x.shape[1:], drawn["place"], strict=False)
    ]
    across, along = lines[0][:, None], lines[1][None, :]
    distance, angle = torch.hypot(across, along), torch.atan2(across, along)
    rays = torch.zeros_like(angle)
    for k, (amplitude, phase) in enumerate(drawn["rays"], 1):
        # A ray goes on beyond the piece: the pattern is the same on both sides.
        rays += amplitude * torch.cos(2 * k * angle + phase)
    fading = 1 / (1 + distance / (4 * PIECE))
    plane, piece = rays * fading * (drawn["height"] * spread * 2), distance < PIECE
    if len(lines) == 3:
        plane = plane[..., None] * torch.exp(-0.5 * (lines[2] / (2 * PIECE)) ** 2)
        piece = piece[..., None] & (lines[2].abs() < PIECE)
    x.add_(plane)
    return x.masked_fill_(piece, float(x.amax() + drawn["height"] * spread))
