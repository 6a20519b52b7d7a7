"""package.json: everything about a model that is not its weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, FiniteFloat, model_validator

from overread.errors import InputError
from overread.files import canonical_json, sha256_bytes
from overread.imaging.intensity.nyul import Landmarks
from overread.runtime.manifest_check import faults
from overread.settings import Strict
from overread.task import TaskName

FORMAT: Literal[2] = 2


class Channel(Strict):
    """One input channel and how to recognise its DICOM series.

    ``match`` maps a DICOM keyword (``SeriesDescription``) to a regular expression that must be found in
    its value; an empty ``match`` accepts any series of the right modality.
    """

    name: str
    modality: list[str] = []
    match: dict[str, str] = {}


class Intensity(Strict):
    """How the grey values of one channel become network input.

    ``zscore``: subtract the mean and divide by the standard deviation of the image's own brighter part (the
    voxels above its mean), which hardly depends on how much air the field of view holds.
    ``fixed``: clip to ``[low, high]``, subtract ``mean``, divide by ``std``: values of the training cases, or of the
    CT window named by ``preset``.
    ``percentile``: clip to the image's own ``percentiles`` (lower, upper) and scale to 0 to 1.
    ``nyul``: move the image's ``percentiles``, over its brighter part, to ``landmarks`` that were fitted on the
    training cases (`overread.imaging.intensity.nyul`), then subtract ``mean`` and divide by ``std``.
    """

    method: Literal["zscore", "fixed", "percentile", "nyul"]
    low: float | None = None
    high: float | None = None
    mean: float = 0.0
    std: float = Field(default=1.0, gt=0)
    preset: str = ""
    percentiles: tuple[float, ...] | None = None
    landmarks: tuple[float, ...] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Intensity:
        if self.method == "percentile" and (
            self.percentiles is None
            or len(self.percentiles) != 2
            or not 0 <= self.percentiles[0] < self.percentiles[1] <= 100
        ):
            raise ValueError(f"percentiles: found {self.percentiles}, expected a lower and an upper one")
        if self.method == "nyul":
            try:
                Landmarks(self.percentiles or (), self.landmarks or ())
            except InputError as error:
                raise ValueError(str(error)) from error
        return self


class Preprocess(Strict):
    """From an Image to the network's input, in this order: colour, orientation, bias, spacing, size, intensity.

    ``bias``: ``n4`` takes out the coils' shading first. It needs SimpleITK wherever the package answers, and seconds
    per volume: it is never chosen by itself.
    """

    dimensions: Literal[2, 3]
    color: Literal["as_is", "gray", "rgb"] = "as_is"
    orientation: str | None = None
    bias: Literal["n4"] | None = None
    spacing: list[float] | None = None
    size: list[int] | None = None
    intensity: list[Intensity]


class Limits(Strict):
    """What the package was made for. An image outside is answered with a coded reason, not with a score.

    ``size``: smallest and largest voxel count per axis; ``spacing_mm``: likewise for the distance of voxels;
    ``age_years``: of the patient, where the image carries it.
    """

    modality: list[str] = []
    body_part: list[str] = []
    age_years: tuple[float, float] | None = None
    size: list[tuple[int, int]] | None = None
    spacing_mm: list[tuple[float, float]] | None = None


class OperatingPoint(Strict):
    """Threshold on a label's score, fixed on tuning cases by ``rule``; belongs to this version only.

    ``figures``: what it gave on those very cases, intervals by the metric's key (``sensitivity``).
    """

    rule: str
    threshold: FiniteFloat
    figures: dict[str, dict[str, Any]] = {}


class Scale(Strict):
    """Calibrated log odds of a label: ``slope * logit + intercept`` (Platt 1999)."""

    slope: FiniteFloat
    intercept: FiniteFloat


class Spread(Strict):
    """Range of an error over tuning cases, between two order statistics.

    ``coverage`` is what these two really cover in a further case like them, (upper rank - lower rank) / (n + 1):
    with few cases less than was aimed at.
    """

    low: float
    high: float
    coverage: float
    cases: int
    offset: float = 0.0


class ScoreBin(Strict):
    """Tuning cases that gave a class a score from ``low`` to ``high``: 90% limits of how often it was the true one."""

    low: float
    high: float
    observed_low: float
    observed_high: float
    cases: int


class Calibration(Strict):
    """Fixed on tuning cases: what makes scores probabilities, conformal quantile, error of volumes and counts.

    ``temperature``: of the classes' softmax. ``scales``: per finding or object label, on its logit.
    ``bins``: per label, what its scores meant.
    ``conformal_quantile``: LAC threshold on ``1 - probability`` for coverage ``conformal_coverage`` over all classes
    together, of packages in format 1; ``conformal_quantiles``: one per class, so that each class is covered by itself
    (Vovk 2012, doi 10.1007/s10994-013-5355-6); a class without one is in every set.
    ``volume_ratio``: per label, (true + offset) / (found + offset), the offset in the unit of the measurement; it
    lets cases count in which nothing was found or nothing was there.
    ``count_difference``: per label, true - found count.
    """

    temperature: FiniteFloat = Field(default=1.0, gt=0)
    scales: dict[str, Scale] = {}
    bins: dict[str, list[ScoreBin]] = {}
    conformal_coverage: float | None = None
    conformal_quantile: float | None = None
    conformal_quantiles: dict[str, float] = {}
    volume_ratio: dict[str, Spread] = {}
    count_difference: dict[str, Spread] = {}
    cases: int = 0


class Windows(Strict):
    """Sliding window over the preprocessed image: patch size in voxels and overlap as a fraction."""

    size: list[int]
    overlap: float = Field(ge=0, lt=1)


class Manifest(Strict):
    """The content of package.json. ``sha256`` is taken over everything else in it.

    ``positive``: which of two classes is the one sought. ``outputs``: names of the network's outputs that are read;
    `write_package` fills them in where they are not given. ``operating_points``: per label; a choice between
    classes has at most one. ``decoding``: numbers that the task reads the outputs with, see
    `RuntimeTask.DECODING`.
    """

    format: Literal[2] = FORMAT
    name: str
    version: str
    created: str
    task: TaskName
    channels: list[Channel]
    preprocess: Preprocess
    labels: list[str]
    positive: str | None = None
    outputs: list[str] = []
    operating_points: dict[str, OperatingPoint] = {}
    calibration: Calibration = Calibration()
    decoding: dict[str, FiniteFloat] = {}
    windows: Windows | None = None
    limits: Limits = Limits()
    counted_labels: list[str] = []
    reference: dict[str, Any] = {}
    model_card: dict[str, Any] = {}
    evidence: dict[str, str] = {}
    files: dict[str, str]
    sha256: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Manifest:
        for fault in faults(self):
            raise ValueError(fault)
        return self

    def sealed(self) -> Manifest:
        """A copy that carries its own digest."""
        return self.model_copy(update={"sha256": digest_of(self.model_dump(mode="json"))})


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of every key but ``sha256`` itself; it covers the weights' hash.

    It is taken over what the file says, not over the model it is read into: a later version may know more fields.
    """
    return sha256_bytes(canonical_json({k: v for k, v in content.items() if k != "sha256"}).encode())
