"""The peak of the learning rate, by how many steps there are to make use of it."""

from __future__ import annotations

# The peak for a training of so many steps, and its limits.
RATE, STEPS = 2e-3, 4000
LOWEST, HIGHEST = 2e-3, 1e-2


def choose_rate(steps: float) -> float:
    """Of AdamW for networks with instance normalisation: the fewer steps, the longer each, by the square root.

    With some hundred steps the usual rate ends before it has arrived (measured, docs/performance.md).
    """
    rate = RATE * (STEPS / max(steps, 1.0)) ** 0.5
    return float(f"{min(HIGHEST, max(LOWEST, rate)):.2g}")
