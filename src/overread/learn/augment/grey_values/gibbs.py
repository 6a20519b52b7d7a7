"""Gibbs ringing of MR: high frequencies cut off sharply, as by a small acquisition matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from overread.learn.augment.grey_values.phase import through_lines

SHARE = 0.2


def draw(most: float, rng: np.random.Generator) -> dict[str, Any]:
    """``lost``, the share of each axis' frequencies that is cut off, up to ``most``, for a fifth of the images."""
    seen, lost = rng.random() < SHARE, rng.uniform(0, most)
    return {"lost": min(lost, 0.9)} if seen else {}


def apply(x: Tensor, drawn: Mapping[str, Any]) -> Tensor:
    """The mean stays."""

    def cut(lines: Tensor, k: Tensor) -> Tensor:
        return lines.mul_(k <= (1 - drawn["lost"]) * int(k.max()))

    for axis in range(1, x.ndim):
        x = through_lines(x, axis, cut)
    return x
