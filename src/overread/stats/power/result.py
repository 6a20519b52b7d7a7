"""What a sample-size calculation gives, and the checks of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from scipy.special import ndtri

Alternative = Literal["two-sided", "greater", "less"]


@dataclass(frozen=True)
class SampleSize:
    """How many cases, what they achieve, and all that was assumed.

    ``n`` is the total; ``groups`` its parts by name, such as positives and negatives, or the two arms.
    ``power`` is what these very numbers achieve (None for a size from precision), ``half_width`` the half
    width of the interval that they give (None for a size from power), ``events`` the expected number of
    diseased cases or events where a prevalence was given. Numbers are whole unless ``round_up=False`` was
    asked for. ``note`` says what a reader must know besides.
    """

    n: float
    method: str
    power: float | None = None
    half_width: float | None = None
    events: float | None = None
    groups: Mapping[str, float] = field(default_factory=dict)
    assumptions: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def n_per_group(self) -> float:
        """Size of the largest group (the total where there is one group)."""
        return max(self.groups.values(), default=self.n)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def check_open(name: str, value: float, low: float = 0.0, high: float = 1.0) -> None:
    """Raise ValueError unless ``low < value < high``."""
    if not low < value < high:
        raise ValueError(f"{name} is {value}, expected a number between {low:g} and {high:g}")


def check_positive(name: str, value: float) -> None:
    """Raise ValueError unless ``value`` is finite and above 0."""
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} is {value}, expected a number above 0")


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise ValueError unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(map(repr, choices))}")


def z_alpha(alpha: float, alternative: Alternative) -> float:
    """Normal quantile of a test at level ``alpha``: at 1 - alpha / 2 if two-sided, else at 1 - alpha."""
    check_open("alpha", alpha)
    check_choice("alternative", alternative, ("two-sided", "greater", "less"))
    return float(ndtri(1 - alpha / 2 if alternative == "two-sided" else 1 - alpha))


def z_power(power: float) -> float:
    """Normal quantile of ``power``."""
    check_open("power", power)
    return float(ndtri(power))


def whole(n: float, round_up: bool = True) -> float:
    """``n`` rounded up to a whole number (an excess below 1e-9 is rounding error), or as it is."""
    return int(np.ceil(n - 1e-9 * max(1.0, n))) if round_up else float(n)


def two_groups(n_total: float, ratio: float) -> tuple[float, float]:
    """Sizes of two groups with first / second = ``ratio`` out of a given total."""
    check_positive("n", n_total)
    check_positive("ratio", ratio)
    second = n_total / (1 + ratio)
    return n_total - second, second
