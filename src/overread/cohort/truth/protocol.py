"""What every kind of truth can do; the modules beside this one fulfil it as they are (PEP 544)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.cohort.finding import Finding
from overread.imaging.boxes import Boxes
from overread.imaging.image import Image

TruthValue: TypeAlias = int | float | NDArray[Any] | Boxes
"""``label``: index of the class. ``value``: the number. ``labels``: ``(findings,)`` float64 of 1, 0 and NaN where
nothing is stated. ``mask``: ``(*spatial)`` integers on the image's grid. ``boxes``: `Boxes` on the image's grid."""


class Voted(int):
    """Index of a class that several readers were asked about: ``shares`` ``(labels,)`` of them said each.

    What is held against an answer is the index; a training may learn from the shares.
    """

    shares: tuple[float, ...]

    def __new__(cls, index: int, shares: Sequence[float]) -> Voted:
        """The class ``index`` with the readers' ``shares``."""
        made = super().__new__(cls, index)
        made.shares = tuple(shares)
        return made


@dataclass(frozen=True)
class Shown:
    """What one case's truth says, small enough to be kept for every case.

    Attributes
    ----------
    counts
        How much of each value there is: voxels by mask value, boxes by label, 1 for a class or finding that is there.
    digest
        SHA-256 of the truth's content, empty where the table's cell is all there is.
    outside
        Boxes that reach over a pixel beyond the image.
    notes
        What a person should know of how the truth was read.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    digest: str = ""
    outside: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Regions:
    """What the fingerprint asks of a truth.

    Attributes
    ----------
    foreground
        ``(*spatial)`` bool: where grey values are of interest; None for the whole image.
    sizes_mm
        Per label, the size of each object in mm: the diameter of a ball (2D: disc) of a mask's part, the geometric
        mean of a box's sides; empty for a truth without extent.
    fractions
        Per label, the share of voxels; empty likewise.
    widths_mm
        Of every label and of the background, how wide it is in mm, twice its volume over its surface: of a line its
        thickness, of a disc its radius. Empty for a truth without an outline, and without a label that has none.
    """

    foreground: NDArray[np.bool_] | None = None
    sizes_mm: Mapping[str, Sequence[float]] = field(default_factory=dict)
    fractions: Mapping[str, float] = field(default_factory=dict)
    widths_mm: Mapping[str, float] = field(default_factory=dict)


class Truth(Protocol):
    """One kind of truth: how it stands in the table, how it is read, checked and counted."""

    COLUMN: str
    """The column that must be filled, as `Cohort.read` takes it in ``need``: label, labels, value, mask or boxes."""

    UNSURE: bool
    """Whether a row may call a label uncertain or say nothing of it, so that the protocol's rules for these apply."""

    def stated(self, case: Case, /) -> bool:
        """Whether the case's row holds this kind of truth at all."""
        ...

    def read(self, case: Case, image: Image, labels: Sequence[str], /) -> TruthValue:
        """The truth of a case on its image's grid. Raises InputError naming case and file."""
        ...

    def look(self, case: Case, image: Image, labels: Sequence[str], /) -> Shown:
        """What the truth says, for the checks: values that ``labels`` does not name are counted, too.

        Raises InputError for what cannot be read or does not fit: `CaseError` where the finding has a code of its own.
        """
        ...

    def presence(self, case: Case, shown: Shown, labels: Sequence[str], /) -> Mapping[str, bool | None]:
        """Whether the case shows each label that can be told apart (no background); None where nothing is stated.

        For counts, balance, subgroups and shortcuts alike.
        """
        ...

    def faults(self, cases: Sequence[tuple[Case, Shown]], labels: Sequence[str], /) -> list[Finding]:
        """Findings about the truth of the whole cohort: unknown values, labels that nobody shows."""
        ...

    def infer(self, cases: Sequence[Case], /) -> list[str]:
        """Label names from what the cases hold, the background first where there is one. Raises InputError."""
        ...

    def regions(self, truth: TruthValue, image: Image, labels: Sequence[str], /) -> Regions:
        """What the fingerprint asks."""
        ...

    def marks(self, case: Case, image: Image, /) -> NDArray[np.bool_] | None:
        """``(*spatial)``: where the truth lies, to be drawn over the picture; None for one of the whole image.

        Raises InputError.
        """
        ...
