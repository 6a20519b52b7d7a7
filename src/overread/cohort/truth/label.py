"""The truth of classification: one class name in the column ``label``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.cohort.finding import Finding
from overread.cohort.truth.protocol import Regions, Shown, TruthValue
from overread.errors import InputError
from overread.imaging.image import Image

COLUMN = "label"
UNSURE = False


def stated(case: Case) -> bool:
    """Whether the row names a class."""
    return case.label is not None


def read(case: Case, image: Image, labels: Sequence[str]) -> TruthValue:
    """Index of the case's class in ``labels``. Raises InputError for a class that is not among them, or none."""
    if case.label not in labels:
        raise InputError(
            f"case {case.case}: label {case.label!r} is not one of {', '.join(labels)}; correct the table or the "
            "protocol's labels"
        )
    return list(labels).index(str(case.label))


def look(case: Case, image: Image, labels: Sequence[str]) -> Shown:
    """The class, counted once."""
    return Shown({case.label: 1} if case.label else {})


def presence(case: Case, shown: Shown, labels: Sequence[str]) -> Mapping[str, bool | None]:
    """True for the case's class, False for the others; None for all where the row names none."""
    return {name: None if case.label is None else case.label == name for name in labels}


def faults(cases: Sequence[tuple[Case, Shown]], labels: Sequence[str]) -> list[Finding]:
    """Blocking: a case whose label is not one of ``labels``."""
    return [
        Finding(
            "label.unknown",
            "blocking",
            f"{case.case}: label is {case.label!r}, expected one of {', '.join(labels)}",
            (case.case,),
        )
        for case, _ in cases
        if case.label not in labels
    ]


def infer(cases: Sequence[Case]) -> list[str]:
    """The classes found, by name; numbers within names in their order, so that grade 10 follows grade 9."""
    return sorted({c.label for c in cases if c.label}, key=_natural)


def regions(truth: TruthValue, image: Image, labels: Sequence[str]) -> Regions:
    """Nothing in particular: the whole image."""
    return Regions()


def marks(case: Case, image: Image) -> NDArray[np.bool_] | None:
    """None: a class is of the whole image."""
    return None


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p]
