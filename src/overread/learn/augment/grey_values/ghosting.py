"""Ghosts of MR: faint copies along the phase-encoding axis, as of breathing, pulse or a drifting receiver.

Every so many lines of k-space are weaker (Axel 1986; as TorchIO's RandomGhosting, Perez-Garcia 2021, doi
10.1016/j.cmpb.2021.106236).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from overread.learn.augment.grey_values.phase import axis_at, through_lines

SHARE = 0.2
FEWEST, MOST = 3, 10
CENTRE = 0.02
"""Share of the lines, the lowest frequencies, that stay: they hold the image's overall grey values."""


def draw(most: float, rng: np.random.Generator) -> dict[str, Any]:
    """``weakened`` up to ``most`` (1: the lines are lost), every ``period`` lines, along the ``axis`` (0 to below 1),
    for a fifth of the images."""
    seen, weakened = rng.random() < SHARE, rng.uniform(0, most)
    period, axis = int(rng.integers(FEWEST, MOST + 1)), rng.random()
    return {"weakened": min(weakened, 1.0), "period": period, "axis": axis} if seen else {}


def apply(x: Tensor, drawn: Mapping[str, Any]) -> Tensor:
    """As many copies as the period."""
    axis = axis_at(drawn["axis"], x)

    def weaken(lines: Tensor, k: Tensor) -> Tensor:
        ghosts = (k % drawn["period"] == 0) & (k > CENTRE * lines.shape[axis])
        return lines.mul_(1 - drawn["weakened"] * ghosts)

    return through_lines(x, axis, weaken)
