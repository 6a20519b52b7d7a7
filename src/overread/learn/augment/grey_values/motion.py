"""Motion of the patient during an MR scan: parts of k-space come from the image in another position.

As Shaw 2019 (MIDL, PMLR 102) and TorchIO's RandomMotion. Lines of k-space along one axis are acquired in segments; the
segment of the lowest frequencies is in place, so that labels still lie where the image shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from overread.learn.augment.grey_values.phase import axis_at, through_lines
from overread.learn.augment.linear import read
from overread.learn.augment.places import Places
from overread.learn.augment.spatial import Spatial

SHARE = 0.2
MANY = 3
FIRST = 0.08
"""Share of the frequencies that is always in place."""


def draw(most: float, rng: np.random.Generator) -> dict[str, Any]:
    """One to three ``moves`` for a fifth of the images: from which share of the frequencies (``at``) on, by which
    ``degrees`` within ``most``, and by which ``shift`` of three axes, within ``most`` hundredths of the size.
    ``axis`` (0 to below 1) is that of the lines."""
    seen, count, axis = rng.random() < SHARE, int(rng.integers(1, MANY + 1)), rng.random()
    moves = [
        {
            "at": float(rng.uniform(FIRST, 1)),
            "degrees": float(rng.uniform(-most, most)),
            "shift": (rng.uniform(-most, most, 3) / 100).tolist(),
        }
        for _ in range(MANY)
    ]
    return {"axis": axis, "moves": sorted(moves[:count], key=lambda m: m["at"])} if seen else {}


def apply(x: Tensor, drawn: Mapping[str, Any]) -> Tensor:
    """Turned in the plane of the first two axes, in voxels."""
    axis, d = axis_at(drawn["axis"], x), x.ndim - 1
    moved = []
    for move in drawn["moves"]:
        turn, angle = np.eye(d), np.deg2rad(move["degrees"])
        turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        spatial = Spatial(turn.tolist(), [2 * s for s in move["shift"][:d]])
        moved.append((move["at"], read(x, Places(spatial, x.shape[1:], device=x.device))[0]))

    def put_together(lines: Tensor, k: Tensor) -> Tensor:
        last = max(int(k.max()), 1)
        for at, image in moved:
            lines = torch.where(k > at * last, torch.fft.rfft(image, dim=axis), lines)
        return lines

    return through_lines(x, axis, put_together)
