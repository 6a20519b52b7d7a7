"""The peak of the learning rate, by how many steps there are to make use of it."""

from __future__ import annotations

# The peak for a training of so many steps, and its limits.
RATE, STEPS = 2e-3, 4000
LOWEST, HIGHEST = 2e-3, 1e-2
# Of small volumes 0.01 was best at 450 steps; pictures take 0.002 to 0.005 alike at 300 to 1,000.
POWER = 0.7


def choose_rate(steps: float) -> float:
    """Of AdamW for networks with instance normalisation: the fewer steps, the longer each.

    With some hundred steps the usual rate ends before it has arrived (measured, docs/performance.md).
    """
    rate = RATE * (STEPS / max(steps, 1.0)) ** POWER
    return float(f"{min(HIGHEST, max(LOWEST, rate)):.2g}")
