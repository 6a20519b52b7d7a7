"""The learning rate over a training, and how many epochs the time holds."""

from __future__ import annotations

import math
from collections.abc import Sequence

WARM_UP = 0.05
MEASUREMENTS = 12


def schedule(progress: float) -> float:
    """Learning rate as a fraction of its peak at ``progress`` (0 to 1): linear warm-up, then half a cosine."""
    if progress < WARM_UP:
        return 0.1 + 0.9 * progress / WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))


def epochs_in_time(recent: Sequence[float], *, done: int, remaining: float, besides: float) -> int:
    """How many epochs fit, those ``done`` counted in, into ``remaining`` seconds at the speed of the ``recent`` ones.

    ``besides`` is what an epoch takes on average on top of its steps, for the tuning cases.
    """
    typical = sorted(recent)[len(recent) // 2] + besides
    return done + max(0, round(remaining / max(typical, 1e-9)))


def due(done: int, epochs: int) -> bool:
    """Whether tuning cases are looked at after ``done`` epochs of ``epochs``: about twelve times, and at the end."""
    return done % max(1, epochs // MEASUREMENTS) == 0 or done >= epochs
