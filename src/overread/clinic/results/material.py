"""What every result object of one run is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from overread.clinic.results.codes import LabelCodes
from overread.clinic.results.failure import Failure
from overread.clinic.results.names import ObjectName
from overread.clinic.results.settings import Results
from overread.clinic.results.source import Run
from overread.imaging.image import Image
from overread.runtime.answer import Answer
from overread.runtime.package import Package
from overread.runtime.prediction import Prediction


@dataclass(frozen=True)
class Predecessor:
    """A report that this one takes the place of (PS3.3 C.17.2, Predecessor Documents Sequence)."""

    study: str
    series: str
    sop_class: str
    sop: str


@dataclass(frozen=True)
class Material:
    """Everything that result objects of one run are made of.

    Attributes
    ----------
    result
        What the package answered, or why it could not.
    files, headers
        Every image that was used, those of the first channel first: as files and as data sets without pixels.
    first
        How many of them are the first channel's, in the image's slice order; all where None.
    read
        Reads the image once more, for objects that show it.
    made
        The objects made so far by name; remarks: why some could not be made.
    predecessors
        Reports of earlier runs over fewer images of the study.
    """

    result: Prediction | Failure
    package: Package
    files: Sequence[Path]
    headers: Sequence[Dataset]
    run: Run
    read: Callable[[], Image]
    first: int | None = None
    settings: Results = field(default_factory=lambda: Results.model_validate({}))
    label_codes: LabelCodes = field(default_factory=dict)
    predecessors: Sequence[Predecessor] = ()
    made: dict[ObjectName, Dataset] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    @property
    def answer(self) -> Answer | None:
        """The answer, where there is one."""
        return self.result.answer if isinstance(self.result, Prediction) else None

    @property
    def spatial(self) -> tuple[int, ...]:
        """Size of the image that was answered, in voxels; empty where there was none."""
        return tuple(self.result.quality.get("size", ())) if isinstance(self.result, Prediction) else ()

    @property
    def maps(self) -> Mapping[str, NDArray[np.uint8]]:
        """Maps of the prediction, see `overread.runtime.maps`."""
        return self.result.maps if isinstance(self.result, Prediction) else {}

    @property
    def first_files(self) -> Sequence[Path]:
        """Files of the first channel, in slice order."""
        return self.files[: self.first]

    @property
    def first_headers(self) -> Sequence[Dataset]:
        """Headers of the first channel, in slice order."""
        return self.headers[: self.first]

    @cached_property
    def image(self) -> Image:
        """The image that was answered. Raises InputError as its reader."""
        return self.read()
