"""package.json: the inputs of a model, and how an image becomes the network's input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, FiniteFloat, model_validator

from overread.errors import InputError
from overread.imaging.intensity.nyul import Landmarks
from overread.settings import Strict

Unit = Literal["SUV", "BQML", "CNTS"]
"""Of values in files without a DICOM header: SUV by body weight, else as DICOM's Units (PS3.3 C.8.9.1)."""


class Channel(Strict):
    """One input channel and how to recognise its DICOM series.

    ``match`` maps a DICOM keyword (``SeriesDescription``) to a regular expression that must be found in
    its value; an empty ``match`` accepts any series of the right modality. ``unit``: what the values of PET files
    without a DICOM header (NIfTI) are. ``prior``: the channel is an earlier study of the same patient, which a node
    asks an archive for; never the first channel.
    """

    name: str
    modality: list[str] = []
    match: dict[str, str] = {}
    unit: Unit | None = None
    prior: bool = False


class Quantity(Strict):
    """What a number is of: its ``unit`` (UCUM: ``a`` years, ``mo`` months, ``%``, ``mm``, ``1`` for a bare number), and
    the least and greatest that there can be, which no answer leaves."""

    unit: str = Field(default="1", pattern=r"^[!-~]+$")
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Quantity:
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(f"low, high: found {self.low:g} and {self.high:g}, expected the smaller first")
        return self

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Least and greatest, None for no bound."""
        return self.low, self.high


class Intensity(Strict):
    """How the grey values of one channel become network input.

    ``tissue``: subtract the mean and divide by the standard deviation of all that is no air or padding around the
    patient (`overread.imaging.intensity.tissue`); nothing is left out where there is none.
    ``range``: clip (unless ``clip`` is false) to the image's own ``percentiles`` (lower, upper), scale to 0 to 1,
    subtract ``mean``, divide by ``std``.
    ``fixed``: clip to ``[low, high]``, subtract ``mean``, divide by ``std``: values of the training cases, or of the
    CT window named by ``preset``.
    ``nyul``: move the image's ``percentiles``, over its brighter part, to ``landmarks`` that were fitted on the
    training cases (`overread.imaging.intensity.nyul`), then subtract ``mean`` and divide by ``std``.
    ``zscore``, of earlier packages: subtract the mean and divide by the standard deviation of the image's brighter
    part (the voxels above its mean); it moves with the share of air or glass in the picture.
    ``percentile``: as ``range``, and 0 to 1 is the network's input. The ranges of augmentation suit the other methods,
    whose values have a deviation of about 1.

    ``whole``: subtract the mean and divide by the standard deviation of all voxels, or of those ``inside`` says:
    ``nonzero``, which alone are changed, and ``filled``, likewise with the holes among the voxels that are not 0 in
    any channel; then as ``minmax``. ``minmax``: from the least to the greatest value as 0 to 1, then minus ``mean``,
    divided by ``std``. Both are of imported packages.

    ``suv``: PET values are first turned into SUV by body weight: ``header`` by the DICOM header, without which the
    image is refused; ``stated`` likewise, but files that have no such header hold SUV, as the protocol says.
    """

    method: Literal["zscore", "fixed", "percentile", "nyul", "tissue", "range", "whole", "minmax"]
    inside: Literal["all", "nonzero", "filled"] = "all"
    clip: bool = True
    low: float | None = None
    high: float | None = None
    mean: float = 0.0
    std: float = Field(default=1.0, gt=0)
    preset: str = ""
    percentiles: tuple[float, ...] | None = None
    landmarks: tuple[float, ...] | None = None
    suv: Literal["header", "stated"] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Intensity:
        if self.method in ("percentile", "range") and (
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


class Resampling(Strict):
    """How an imported package's origin brings images to its grid; see `overread.runtime.resampling`.

    ``order``: of the spline, 0 the nearest voxel, 1 linear, 3 cubic. ``clip``: cubic values stay within those of the
    image. ``keep``: the field of view, or the place of the first voxel's centre. ``thick``: an axis whose spacing is
    more than three times the least takes the nearest voxel. ``back``: what is brought back to the image's grid before
    the likeliest label is taken.
    """

    order: Literal[0, 1, 3] = 3
    clip: bool = False
    keep: Literal["field", "first_voxel"] = "field"
    thick: bool = False
    back: Literal["probability", "logits"] = "probability"


class Preprocess(Strict):
    """From an Image to the network's input: SUV, window, colour, orientation, bias, then grid and grey values.

    ``window``: a DICOM image's values go through the window that its header states first (PS3.3 C.11.2), where it
    states one: radiographs of other vendors and bit depths then look alike.
    ``bias``: ``n4`` takes out the coils' shading. It needs SimpleITK wherever the package answers, and seconds
    per volume: it is never chosen by itself.
    ``order``: whether grey values are clipped and scaled after the image is brought to ``spacing`` or ``size``
    (``grid_first``, of earlier packages) or before (``values_first``: cubic resampling then rings at no metal).
    ``fit``: how an image comes onto a grid of ``size``. ``stretch`` (of earlier packages) scales each axis by itself.
    ``pad`` keeps its shape: all axes are shrunk or enlarged alike until it just fits, and what is left around it gets
    each channel's least value; with a ``spacing`` (mm) beside the ``size`` it keeps its physical size too, unless it is
    too large for the grid and has to be shrunk. Nothing is cut off.
    ``spacing`` of 0: the image's own along that axis.
    ``crop``: the image is first cut to the box of its voxels that are not 0 in some channel (``nonzero``), or above 0;
    outside of it every answer is background. ``resampling``: of imported packages; None is this project's own.
    ``zoom``: of pictures without a physical scale, every axis becomes this share of itself; answers come back to the
    picture's own pixels.
    """

    dimensions: Literal[2, 3]
    color: Literal["as_is", "gray", "rgb"] = "as_is"
    orientation: str | None = None
    bias: Literal["n4"] | None = None
    window: bool = False
    spacing: list[float] | None = None
    size: list[int] | None = None
    fit: Literal["stretch", "pad"] = "stretch"
    zoom: float | None = Field(default=None, gt=0, le=1)
    intensity: list[Intensity]
    order: Literal["grid_first", "values_first"] = "grid_first"
    crop: Literal["nonzero", "above_zero"] | None = None
    resampling: Resampling | None = None

    @model_validator(mode="after")
    def _whole_grid(self) -> Preprocess:
        if self.resampling is not None and (self.spacing is None or self.size is not None):
            raise ValueError("resampling: needs a spacing and no size; leave it out otherwise")
        return self

    def spacing_for(self, spacing: Sequence[float]) -> tuple[float, ...]:
        """The stated spacing in mm, with that of the image where 0 is stated."""
        return tuple(want or have for want, have in zip(self.spacing or spacing, spacing, strict=True))
