"""Prediction: who answered, what came out, and why nothing came out when nothing did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.runtime.answer import Answer
from overread.runtime.answer_text import one_line
from overread.runtime.computed import Computed


class Outcome(StrEnum):
    """Whether the package answered. Never a score where the input lies outside its declared limits."""

    OK = "ok"
    OUT_OF_LIMITS = "out_of_limits"


@dataclass(frozen=True)
class Breach:
    """One declared input limit that the image breaks.

    ``code`` is short and stable (``MODALITY``, ``SIZE``, ``AGE`` ...), the rest is for people.
    """

    code: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.code}: found {self.found}, expected {self.expected}"


@dataclass(frozen=True)
class Prediction:
    """What a package said of one image.

    Attributes
    ----------
    outcome
        ``ok``, or ``out_of_limits`` with ``breaches``.
    task, package, package_version, package_sha256
        Whose answer it is.
    answer
        One of four kinds, see `overread.runtime.answer`; None where the input lies outside the limits.
    breaches
        Every declared limit that the image breaks.
    quality
        Facts about the input that were checked against the limits.
    notes
        What was corrected or assumed on the way, from the reader on.
    computed
        What it was computed with: engine, version, precision, threads, processor; None where no network was asked.
    maps
        Where they were asked for, probabilities by voxel as `overread.runtime.maps` gives them; else none.
    seconds
        Wall-clock time of the computation.
    """

    outcome: Outcome
    task: str
    package: str
    package_version: str
    package_sha256: str
    answer: Answer | None = None
    breaches: tuple[Breach, ...] = ()
    quality: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    computed: Computed | None = field(default=None, compare=False)
    maps: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict, compare=False)

    def summary(self) -> str:
        """One line for a person."""
        if self.answer is None:
            return "not analysed, input outside the package's limits: " + "; ".join(map(str, self.breaches))
        return one_line(self.answer)
