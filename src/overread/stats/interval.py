"""Interval: a number that never travels without its uncertainty."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Interval:
    """An estimate with the limits of its confidence interval and the method's name.

    ``low <= estimate <= high`` except for methods whose estimate may leave the interval.
    ``n`` is the number of independent units (patients, cases) it rests on.
    """

    estimate: float
    low: float
    high: float
    confidence: float = 0.95
    method: str = ""
    n: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.estimate:.3f} ({self.confidence:.0%} CI {self.low:.3f} to {self.high:.3f})"
