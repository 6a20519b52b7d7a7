"""package.json: how sure an answer is, beyond its probabilities. What each method needs stands in `uncertainty.npz`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, FiniteFloat, model_validator

from overread.runtime.manifest_calibration import Scale
from overread.runtime.manifest_input import Preprocess
from overread.runtime.manifest_quality import Quality
from overread.settings import Strict


class Member(Strict):
    """One network of several: its file in the package, and its weight.

    ``preprocess``: its own where it is not the package's. ``temperature`` and ``scales`` are the calibration of its
    own, of a member that was a package before; they are applied before its answer is averaged.
    """

    file: str
    weight: FiniteFloat = Field(default=1.0, ge=0)
    preprocess: Preprocess | None = None
    temperature: FiniteFloat = Field(default=1.0, gt=0)
    scales: list[Scale] = []
    origin: str = ""


class Ensemble(Strict):
    """Several networks that answer together (Lakshminarayanan 2017, arXiv 1612.01474).

    ``average`` and ``weighted`` take the weighted mean of the probabilities, ``stacked`` the weighted sum of their logs
    (a logarithmic pool: Heskes 1998). Weights are fixed on tuning cases.
    """

    how: Literal["average", "weighted", "stacked"] = "average"
    members: list[Member] = Field(min_length=2, max_length=64)

    @model_validator(mode="after")
    def _some_weight(self) -> Ensemble:
        if sum(m.weight for m in self.members) <= 0:
            raise ValueError("members: found no weight above 0")
        if self.members[0].file != "model.onnx":
            raise ValueError(f"members: found {self.members[0].file!r} first, expected model.onnx")
        return self


class Draws(Strict):
    """Several answers of one network: draws of its last layer, made from features and head weights.

    ``dropout``: features left out at random with ``rate`` (Gal 2016, arXiv 1506.02142). ``laplace``: weights from
    their posterior (Daxberger 2021, arXiv 2106.14806). ``heads``: last layers fitted on resampled training patients.
    The same ``seed`` gives the same draws for every image, so that an image is always answered alike.
    """

    method: Literal["dropout", "laplace", "heads"]
    draws: int = Field(default=64, ge=2, le=4096)
    rate: float = Field(default=0.0, ge=0, lt=1)
    seed: int = Field(default=0, ge=0)
    figures: dict[str, Any] = {}


class Distance(Strict):
    """How far an image's features lie from those of the training cases, and the largest distance that is answered.

    ``mahalanobis``: from their mean, with a covariance shrunk as Ledoit and Wolf (2004) do; ``nearest``: from the
    nearest training cases, after scaling to length one (Sun 2022, arXiv 2204.06507). ``most`` was fixed on tuning
    cases of ``patients``: ``refused`` is the share of further patients like them that it is expected to refuse at most.
    """

    method: Literal["mahalanobis", "nearest"]
    most: FiniteFloat
    refused: float = Field(ge=0, le=1)
    aimed: float = Field(ge=0, le=1)
    patients: int = Field(ge=1)


class Refer(Strict):
    """When a person must decide: the decided label's probability, or the predicted Dice, is below ``threshold``.

    Chosen on tuning cases so that, with probability ``confidence``, at most a share ``risk`` of what is decided is
    wrong; the mask of a structure is where its Dice is below ``dice``. ``figures``: what it gave there, intervals by
    name; apparent, as the threshold was chosen on these cases.
    """

    threshold: FiniteFloat
    risk: float = Field(gt=0, lt=1)
    confidence: float = Field(gt=0, lt=1)
    patients: int = 0
    dice: float | None = Field(default=None, gt=0, lt=1)
    figures: dict[str, dict[str, Any]] = {}


class Uncertainty(Strict):
    """``features``: the network's output that holds what its last layer sees. ``evidential``: logits stand for evidence
    (Sensoy 2018, arXiv 1806.01768). ``refer``: per label, or of the decided class under ``""``. ``quality``: per label
    of a label map, what its Dice is predicted from."""

    features: str = ""
    evidential: bool = False
    ensemble: Ensemble | None = None
    draws: Draws | None = None
    distance: Distance | None = None
    refer: dict[str, Refer] = {}
    quality: dict[str, Quality] = {}
    notes: list[str] = []

    @model_validator(mode="after")
    def _needs_features(self) -> Uncertainty:
        if (self.draws or self.distance) and not self.features:
            raise ValueError("features: not named, but draws and distance are computed from them")
        if self.draws and self.ensemble:
            raise ValueError("draws and ensemble: found both, expected one of them")
        if self.draws and self.evidential:
            raise ValueError("draws and evidential: found both, expected one: evidence is no logits to draw")
        return self
