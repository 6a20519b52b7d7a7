"""A metric as data: everything that anybody asks about it; and a number measured with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from overread.stats.interval import Interval


@dataclass(frozen=True)
class Metric:
    """One measure of how good answers are.

    Attributes
    ----------
    key
        Its name in protocol.yaml and report.json (``auroc``).
    name, meaning
        For a person: its full name, and what it measures in a sentence or two.
    better
        In which direction it improves; ``none`` for one that no goal can be set for.
    share
        It lies between 0 and 1, and can be drawn as a bar.
    """

    key: str
    name: str
    meaning: str
    better: Literal["higher", "lower", "none"] = "higher"
    share: bool = True


@dataclass(frozen=True)
class Measure:
    """A number still to be computed: of ``label``, or of all where that is None.

    ``compute`` raises ValueError with the reason where these cases cannot give it.
    """

    metric: Metric
    label: str | None
    unit: str
    compute: Callable[[], Interval]


@dataclass(frozen=True)
class Measured:
    """A metric, whose label it is about (None: of all), its unit, and the estimate with its interval."""

    metric: Metric
    label: str | None
    unit: str
    interval: Interval

    def as_dict(self) -> dict[str, Any]:
        """A row of report.json: metric and label apart."""
        return {"metric": self.metric.key, "label": self.label, "unit": self.unit, **self.interval.as_dict()}


@dataclass(frozen=True)
class NotComputed:
    """A number that these cases could not give, and why."""

    metric: str
    label: str | None
    reason: str
