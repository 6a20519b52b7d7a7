"""The truth of regression: a number in the column that bears the label's name, such as ``age``; else in ``value``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.cohort.columns import VALUE
from overread.cohort.finding import Finding, some
from overread.cohort.splits.parts import SPLITS
from overread.cohort.truth.protocol import Regions, Shown, TruthValue
from overread.errors import InputError
from overread.imaging.image import Image

COLUMN = VALUE
UNSURE = False
FAR = 6.0
"""Robust deviations from the median from which a value is worth a look."""
FEW_VALUES = 10


def stated(case: Case) -> bool:
    """Whether the row has a number; before the protocol names a column, in ``value``."""
    return bool(case.values) or bool(case.attributes.get(COLUMN, "").strip())


def read(case: Case, image: Image, labels: Sequence[str]) -> TruthValue:
    """The case's number. Raises InputError where it states none."""
    if labels[0] not in case.values:
        raise InputError(
            f"case {case.case}: column {labels[0]!r} states no number; fill the cell or drop the row"
        )
    return float(case.values[labels[0]])


def look(case: Case, image: Image, labels: Sequence[str]) -> Shown:
    """Nothing to be counted: a number is no label."""
    return Shown()


def presence(case: Case, shown: Shown, labels: Sequence[str]) -> Mapping[str, bool | None]:
    """Nothing: no case shows or lacks a number."""
    return {}


def faults(cases: Sequence[tuple[Case, Shown]], labels: Sequence[str]) -> list[Finding]:
    """Blocking: cases without the number; training cases of one and the same value. Warnings: values far from all
    others, so few different ones that they are grades, and test values beyond those trained with. A fact: how the parts
    are spread."""
    name = labels[0]
    missing = tuple(c.case for c, _ in cases if name not in c.values)
    if missing:
        message = f"{len(missing)} cases state no {name}: {some(missing)}; fill the column or drop the rows"
        return [Finding("value.missing", "blocking", message, missing)]
    by_split = {s: [c for c, _ in cases if c.split == s] for s in SPLITS}
    numbers = {s: np.array([c.values[name] for c in found], np.float64) for s, found in by_split.items()}
    out = [
        Finding(
            "value.spread",
            "info",
            f"{s}: {len(v)} values of {name}, mean {v.mean():.4g}, standard deviation {v.std():.3g}, "
            f"{v.min():g} to {v.max():g}",
        )
        for s, v in numbers.items()
        if len(v)
    ]
    train = numbers["train"]
    if len(train) and np.ptp(train) == 0:
        message = f"every training case has the {name} {train[0]:g}; expected values that differ"
        return [*out, Finding("value.constant", "blocking", message)]
    everyone = [c for found in by_split.values() for c in found]
    values = np.array([c.values[name] for c in everyone], np.float64)
    if not len(values):
        return out
    middle = float(np.median(values))
    # 1.4826: of normal values the median absolute deviation is then their standard deviation.
    deviation = 1.4826 * float(np.median(np.abs(values - middle)))
    far = [c for c, v in zip(everyone, values, strict=True) if abs(v - middle) > FAR * deviation > 0]
    if far:
        shown = some([f"{c.case} ({c.values[name]:g})" for c in far])
        message = (
            f"{name} lies far from the others' ({middle:g} in the middle): {shown}; right unit and place?"
        )
        out.append(Finding("value.far", "warning", message, tuple(c.case for c in far)))
    different = len(np.unique(values))
    if different < FEW_VALUES < len(values):
        message = f"{name} has {different} different values; grades are better learnt by the task ordinal"
        out.append(Finding("value.grades", "warning", message))
    beyond = [c for c in by_split["test"] if len(train) and not train.min() <= c.values[name] <= train.max()]
    if beyond:
        trained = f"{train.min():g} to {train.max():g}"
        message = f"{len(beyond)} test cases have a {name} beyond those of training ({trained})"
        out.append(Finding("value.beyond", "warning", message, tuple(c.case for c in beyond)))
    return out


def infer(cases: Sequence[Case]) -> list[str]:
    """The column ``value``."""
    return [COLUMN]


def regions(truth: TruthValue, image: Image, labels: Sequence[str]) -> Regions:
    """Nothing in particular: the whole image."""
    return Regions()


def marks(case: Case, image: Image) -> NDArray[np.bool_] | None:
    """None: a number is of the whole image."""
    return None
