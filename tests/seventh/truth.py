"""The label that covers most of a mask, as a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.cohort.finding import Finding
from overread.cohort.truth import mask
from overread.cohort.truth.protocol import Regions, Shown, TruthValue
from overread.imaging.image import Image

COLUMN = "mask"
UNSURE = False
stated = mask.stated


def read(case: Case, image: Image, labels: Sequence[str]) -> TruthValue:
    """Index of the label with most voxels, the background not counted."""
    drawn = np.asarray(mask.read(case, image, ["background", *labels]))
    return int(np.bincount(drawn[drawn > 0], minlength=len(labels) + 1)[1:].argmax())


def look(case: Case, image: Image, labels: Sequence[str]) -> Shown:
    return Shown({labels[int(read(case, image, labels))]: 1})  # type: ignore[arg-type]


def presence(case: Case, shown: Shown, labels: Sequence[str]) -> Mapping[str, bool | None]:
    return {name: name in shown.counts for name in labels}


def faults(cases: Sequence[tuple[Case, Shown]], labels: Sequence[str]) -> list[Finding]:
    return []


def infer(cases: Sequence[Case]) -> list[str]:
    return mask.infer(cases)[1:]


def regions(truth: TruthValue, image: Image, labels: Sequence[str]) -> Regions:
    return Regions()


def marks(case: Case, image: Image) -> NDArray[np.bool_] | None:
    return mask.marks(case, image)
