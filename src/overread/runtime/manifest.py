"""package.json: everything about a model that is not its weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, FiniteFloat, model_validator

from overread.files import canonical_json, sha256_bytes
from overread.runtime.manifest_calibration import Calibration, OperatingPoint, Scale, ScoreBin, Spread
from overread.runtime.manifest_check import faults
from overread.runtime.manifest_input import Channel, Intensity, Preprocess, Quantity
from overread.runtime.manifest_limits import GreyLimits, Likeness, Limits
from overread.runtime.manifest_postprocess import Cleaning
from overread.runtime.manifest_uncertainty import Uncertainty
from overread.runtime.regions import Region, judged
from overread.settings import PlainName, Strict
from overread.task import TaskName

__all__ = [
    "FORMAT",
    "Calibration",
    "Channel",
    "Cleaning",
    "GreyLimits",
    "Intensity",
    "Likeness",
    "Limits",
    "Manifest",
    "OperatingPoint",
    "Preprocess",
    "Quantity",
    "Scale",
    "ScoreBin",
    "Spread",
    "Uncertainty",
    "Windows",
    "digest_of",
]

FORMAT: Literal[2] = 2


class Windows(Strict):
    """Sliding window over the preprocessed image: patch size in voxels and overlap as a fraction.

    ``rule``: how windows are laid, padded and weighted: as this package does (``even``), or as the framework that the
    model comes from, see `overread.runtime.window_rules`; ``weight`` and ``sigma`` (as a share of the window) are read
    by these. ``blend``: whether windows are averaged as probabilities, or as logits that become probabilities then.
    ``air``: a grey value of the preprocessed image; what lies around all that exceeds it in some channel is cut off,
    and a window in which nothing does is background without asking the network. ``stack``: the network is 2D and sees
    so many neighbouring slices along the last axis as channels, of which it labels the middle one; ``size`` then ends
    with 1.
    """

    size: list[int]
    overlap: float = Field(ge=0, lt=1)
    rule: Literal["even", "monai", "nnunet"] = "even"
    weight: Literal["gaussian", "constant"] = "gaussian"
    sigma: float = Field(default=0.125, gt=0)
    blend: Literal["probability", "logits"] = "probability"
    air: FiniteFloat | None = None
    stack: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _agreeing(self) -> Windows:
        if self.stack is not None and (self.stack % 2 == 0 or self.size[-1] != 1 or len(self.size) != 3):
            raise ValueError(
                f"stack: found {self.stack} with windows of {self.size}, expected an odd number and one slice each"
            )
        if self.air is not None and self.blend == "logits":
            raise ValueError("air: found beside blend logits; what no network saw has no logits")
        return self


class Manifest(Strict):
    """The content of package.json. ``sha256`` is taken over everything else in it.

    ``positive``: which of two classes is the one sought. ``quantity``: of a package that answers with a number, its
    unit and bounds. ``outputs``: names of the network's outputs that are read;
    `write_package` fills them in where they are not given. ``operating_points``: per label; a choice between
    classes has at most one. ``decoding``: numbers that the task reads the outputs with, see
    `RuntimeTask.DECODING`. ``smallest_part``: voxels from which a part of a counted label counts; 1 in earlier
    packages. ``measures``: per label, what is measured beside its volume, see `overread.runtime.measures`;
    ``postprocess``: what is done to a label's parts, chosen on tuning cases. ``views``: in which the image is
    answered beside as it is, see `overread.runtime.views`; the answer is that of their mean. ``uncertainty``:
    several networks, draws, distance from the training, and when a person must decide. ``regions``: of a label map,
    structures that may lie in one another; the network then gives one channel
    each, which is answered yes or no, and they are what is measured (`overread.runtime.regions`).
    """

    format: Literal[2] = FORMAT
    name: PlainName
    version: PlainName
    created: str
    task: TaskName
    channels: list[Channel]
    preprocess: Preprocess
    labels: list[str]
    positive: str | None = None
    quantity: Quantity | None = None
    outputs: list[str] = []
    operating_points: dict[str, OperatingPoint] = {}
    calibration: Calibration = Calibration()
    uncertainty: Uncertainty = Uncertainty()
    decoding: dict[str, FiniteFloat] = {}
    windows: Windows | None = None
    views: list[str] = []
    limits: Limits = Limits()
    counted_labels: list[str] = []
    smallest_part: int = Field(default=1, ge=1)
    measures: dict[str, list[str]] = {}
    postprocess: dict[str, Cleaning] = {}
    regions: dict[str, Region] = {}
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

    @property
    def judged(self) -> list[str]:
        """Names of what is measured and judged: the regions, after the background, or the labels."""
        return judged(self.labels, self.regions)

    def sealed(self) -> Manifest:
        """A copy that carries its own digest."""
        return self.model_copy(update={"sha256": digest_of(self.model_dump(mode="json"))})


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of every key but ``sha256`` itself; it covers the weights' hash.

    It is taken over what the file says, not over the model it is read into: a later version may know more fields.
    """
    return sha256_bytes(canonical_json({k: v for k, v in content.items() if k != "sha256"}).encode())
