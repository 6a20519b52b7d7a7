"""package.json of format 1, as it was written before tasks other than two existed, and what it means in format 2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar

import numpy as np
from pydantic import Field

from overread.runtime.manifest import Channel, Limits, Preprocess, ScoreBin, Spread, Windows
from overread.settings import Strict, validated
from overread.task import TASKS

FORMAT = 1
HALF_STEP = 2.0**-25
"""Half the distance of float32 numbers just below 1."""

Value = TypeVar("Value")


class OperatingPointV1(Strict):
    """Threshold on the positive class's probability."""

    rule: str
    threshold: float
    sensitivity: dict[str, Any] | None = None
    specificity: dict[str, Any] | None = None


class CalibrationV1(Strict):
    """As in format 2, without scales."""

    temperature: float = 1.0
    bins: dict[str, list[ScoreBin]] = {}
    conformal_coverage: float | None = None
    conformal_quantile: float | None = None
    volume_ratio: dict[str, Spread] = {}
    count_difference: dict[str, Spread] = {}
    cases: int = 0


class ManifestV1(Strict):
    """The content of package.json."""

    format: Literal[1]
    name: str
    version: str
    created: str
    task: Literal["classification", "segmentation"]
    channels: list[Channel]
    preprocess: Preprocess
    labels: list[str] = Field(min_length=2)
    positive: str | None = None
    operating_point: OperatingPointV1 | None = None
    calibration: CalibrationV1 = CalibrationV1()
    windows: Windows | None = None
    limits: Limits = Limits()
    counted_labels: list[str] = []
    reference: dict[str, Any] = {}
    model_card: dict[str, Any] = {}
    evidence: dict[str, str] = {}
    files: dict[str, str]
    sha256: str


def upgraded(content: Mapping[str, Any], output: str, where: str) -> dict[str, Any]:
    """The ``content`` of a format 1 package.json in format 2, still under the digest that it states.

    ``output`` is the network's first output, the only one that was read. What format 1 allowed and nobody read is left
    out: windows of a classification, a positive class and its threshold of a segmentation, numbers of labels that
    there are not. Raises InputError, beginning with ``where``, for what was no format 1 either.
    """
    old = validated(ManifestV1, dict(content), where)
    plain = old.model_dump(mode="json")
    del plain["operating_point"]
    classes = TASKS[old.task].answer == "classes"
    foreground = old.labels if classes else old.labels[1:]
    calibration = {
        **plain["calibration"],
        "temperature": old.calibration.temperature if classes else 1.0,
        "conformal_quantile": _quantile(old.calibration.conformal_quantile),
        **{
            key: _of(plain["calibration"][key], foreground)
            for key in ("bins", "volume_ratio", "count_difference")
        },
    }
    return {
        **plain,
        "format": 2,
        # A threshold of several classes was read too: its class when reached, else the likeliest of the others.
        "positive": old.positive if classes and len(old.labels) == 2 else None,
        "operating_points": _points(old) if classes else {},
        "outputs": [output],
        "windows": None if classes else plain["windows"],
        "calibration": calibration,
        "counted_labels": [label for label in old.counted_labels if label in foreground],
    }


def _points(old: ManifestV1) -> dict[str, Any]:
    point = old.operating_point
    if point is None or old.positive is None:
        return {}
    figures = {"sensitivity": point.sensitivity, "specificity": point.specificity}
    return {
        old.positive: {
            "rule": point.rule,
            "threshold": _threshold(point.threshold),
            "figures": {name: f for name, f in figures.items() if f is not None},
        }
    }


def _threshold(value: float) -> float:
    """The least score that rounds to ``value`` or more: format 1 compared in float32, where 0.99999998 is 1."""
    own = np.float32(value)
    return (float(own) + float(np.nextafter(own, np.float32(-np.inf)))) / 2


def _quantile(value: float | None) -> float | None:
    """The largest ``1 - score`` that float32 took for ``value`` or less, as in `_threshold`."""
    return None if value is None else value + HALF_STEP


def _of(values: Mapping[str, Value], labels: Iterable[str]) -> dict[str, Value]:
    return {label: values[label] for label in labels if label in values}
