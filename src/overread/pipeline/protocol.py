"""protocol.yaml: the only file that a person must write, checked key by key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from overread.cohort.split import FRACTIONS, SPLITS
from overread.files import canonical_json, sha256_bytes, write_text
from overread.runtime.manifest import Channel
from overread.settings import dicom_patterns, read_settings, validated

FILE = "protocol.yaml"
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Endpoint(_Strict):
    """A goal fixed before the test patients are opened: ``metric`` must reach ``goal``.

    ``judged_on`` says which quantity counts: the point ``estimate``, or the less favourable confidence ``limit``
    (the lower one where more is better, the upper one for errors and distances).
    """

    metric: str
    goal: float
    judged_on: Literal["estimate", "limit"] = "limit"


class DeclaredLimits(_Strict):
    """Limits of the intended use that cannot be read off the images; sizes and spacings are measured."""

    age_years: tuple[float, float] | None = None
    body_part: list[str] = []

    @field_validator("age_years")
    @classmethod
    def _ages(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not 0 <= value[0] <= value[1]:
            raise ValueError(
                f"found {value[0]:g} to {value[1]:g}, expected from and to in years, the smaller first"
            )
        return value


class Protocol(_Strict):
    """What the model is for and how it will be judged.

    ``labels``: class names; for segmentation the names of the mask's values 0, 1, 2 ..., the background first.
    ``operating_point``: rule that fixes the threshold of binary classification on the tuning patients.
    ``counted_labels``: segmentation labels whose separate parts are counted (lesions, not organs).
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    version: str = "0.1.0"
    intended_use: str = ""
    task: Literal["classification", "segmentation"]
    dimensions: Literal[2, 3]
    labels: list[str] = Field(min_length=2)
    positive: str | None = None
    channels: list[Channel] = Field(min_length=1)
    limits: DeclaredLimits = DeclaredLimits()
    counted_labels: list[str] = []
    operating_point: str = "youden"
    endpoints: list[Endpoint] = []
    subgroups: list[str] = []
    split: dict[str, float] = dict(FRACTIONS)
    budget: str = "10m"
    seed: int = Field(default=0, ge=0)
    virtual: bool = False

    @field_validator("budget")
    @classmethod
    def _budget(cls, value: str) -> str:
        parse_budget(value)
        return value

    @field_validator("operating_point")
    @classmethod
    def _rule(cls, value: str) -> str:
        if not re.fullmatch(r"youden|(sensitivity|specificity)>=0?\.\d+", value):
            raise ValueError(
                f"found {value!r}, expected youden, or a rule such as sensitivity>=0.95 or specificity>=0.9"
            )
        return value

    @field_validator("channels")
    @classmethod
    def _matches(cls, value: list[Channel]) -> list[Channel]:
        for channel in value:
            dicom_patterns(channel.match)
        return value

    @field_validator("split")
    @classmethod
    def _split(cls, value: dict[str, float]) -> dict[str, float]:
        if set(value) != set(SPLITS) or min(value.values()) <= 0 or abs(sum(value.values()) - 1) > 1e-6:
            raise ValueError(f"found {value}, expected positive shares of {', '.join(SPLITS)} that sum to 1")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Protocol:
        if len(set(self.labels)) < len(self.labels):
            raise ValueError("labels: a name stands twice")
        if self.positive is not None and self.positive not in self.labels:
            raise ValueError(f"positive: {self.positive!r} is not among the labels {self.labels}")
        extra = [name for name in self.counted_labels if name not in self.labels[1:]]
        if extra:
            raise ValueError(
                f"counted_labels: {extra[0]!r} is not among the foreground labels {self.labels[1:]}"
            )
        if self.task == "classification" and len(self.labels) == 2 and self.positive is None:
            raise ValueError(f"positive: missing; say which of {self.labels} counts as positive")
        names = self.goal_metrics()
        for endpoint in self.endpoints:
            if endpoint.metric not in names:
                raise ValueError(
                    f"endpoints: no metric {endpoint.metric!r} to set a goal for; expected one of {', '.join(names)}"
                )
        return self

    def goal_metrics(self) -> list[str]:
        """The metrics of this task's test that have a better direction, so that a goal can be set for them."""
        if self.task == "segmentation":
            names = ["dice", *(f"{m}_{label}" for m in ("dice", "hd95") for label in self.labels[1:])]
            per_lesion = ("lesion_sensitivity", "lesion_precision", "lesion_f1", "false_lesions_per_case")
            names += [f"{m}_{label}" for label in self.counted_labels for m in per_lesion]
        elif len(self.labels) == 2:
            names = [
                "auroc",
                "sensitivity",
                "specificity",
                "ppv",
                "npv",
                "accuracy",
                "balanced_accuracy",
                "brier",
                "ece",
            ]
        else:
            names = ["auroc_macro", *(f"auroc_{label}" for label in self.labels)]
            names += ["accuracy", "balanced_accuracy", "brier", "ece"]
        return [*names, "answered"]

    def digest(self) -> str:
        """SHA-256 of the content, whatever the layout and comments of the file."""
        return sha256_bytes(canonical_json(self.model_dump(mode="json")).encode())


def parse_budget(text: str) -> float:
    """Seconds in a duration such as ``90s``, ``5m``, ``1.5h``. Raises ValueError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if not match or float(match[1]) <= 0:
        raise ValueError(f"found {text!r}, expected a duration such as 90s, 5m or 2h")
    return float(match[1]) * _UNITS[match[2]]


def read_protocol(folder: Path) -> Protocol:
    """Read and check ``folder/protocol.yaml``. Raises InputError naming file and key."""
    return read_settings(folder / FILE, Protocol, f"`overread init {folder}` writes one from cohort.csv")


_COMMENTS = {
    "intended_use": "In one or two sentences: which patients, which images, for what purpose.",
    "channels": "One per input; `match` tells the clinic node which DICOM series it is (keyword: regular expression).",
    "operating_point": "Fixed on the tuning patients: youden, sensitivity>=0.95 or specificity>=0.9.",
    "endpoints": "Goals fixed before the test patients are opened; judged on the worse limit, or the estimate.",
    "subgroups": "Columns of cohort.csv for which the result is shown apart.",
    "budget": "Wall-clock time for the whole run.",
    "limits": "What the package must refuse to answer and the images alone do not tell.",
}


def write_protocol(folder: Path, values: dict[str, Any]) -> Path:
    """Write protocol.yaml with a comment above each key that asks for a decision. Raises InputError on wrong values."""
    protocol = validated(Protocol, values, str(folder / FILE))
    lines = []
    for key, value in protocol.model_dump(mode="json").items():
        if key in _COMMENTS:
            lines.append(f"# {_COMMENTS[key]}")
        lines.append(yaml.safe_dump({key: value}, sort_keys=False, allow_unicode=True).rstrip())
    write_text(folder / FILE, "\n".join(lines) + "\n")
    return folder / FILE
