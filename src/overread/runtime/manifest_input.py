"""package.json: the inputs of a model, and how an image becomes the network's input."""

from __future__ import annotations

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
    without a DICOM header (NIfTI) are.
    """

    name: str
    modality: list[str] = []
    match: dict[str, str] = {}
    unit: Unit | None = None


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
    ``range``: clip to the image's own ``percentiles`` (lower, upper), scale to 0 to 1, subtract ``mean``, divide by
    ``std``.
    ``fixed``: clip to ``[low, high]``, subtract ``mean``, divide by ``std``: values of the training cases, or of the
    CT window named by ``preset``.
    ``nyul``: move the image's ``percentiles``, over its brighter part, to ``landmarks`` that were fitted on the
    training cases (`overread.imaging.intensity.nyul`), then subtract ``mean`` and divide by ``std``.
    ``zscore``, of earlier packages: subtract the mean and divide by the standard deviation of the image's brighter
    part (the voxels above its mean); it moves with the share of air or glass in the picture.
    ``percentile``: as ``range``, and 0 to 1 is the network's input. The ranges of augmentation suit the other methods,
    whose values have a deviation of about 1.

    ``suv``: PET values are first turned into SUV by body weight: ``header`` by the DICOM header, without which the
    image is refused; ``stated`` likewise, but files that have no such header hold SUV, as the protocol says.
    """

    method: Literal["zscore", "fixed", "percentile", "nyul", "tissue", "range"]
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
