"""Detections and objects of many images, checked, in the form that detection libraries use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from overread.stats.arrays import Bools, Floats, Ints
from overread.stats.detection.box_geometry import as_boxes, box_area

_PRED_KEYS = {"boxes", "scores", "labels"}
_TRUTH_KEYS = {"boxes", "labels", "iscrowd", "ignore", "area"}
# Torchvision's targets carry these too; they decide nothing here.
_OTHER_KEYS = {"image_id", "masks"}


@dataclass(frozen=True)
class ImageBoxes:
    """Checked detections and objects of one image, all of one number of axes."""

    pred: Floats
    score: Floats
    pred_label: Ints
    truth: Floats
    truth_label: Ints
    crowd: Bools
    ignore: Bools
    area: Floats


def checked_images(pred: Sequence[Mapping[str, Any]], truth: Sequence[Mapping[str, Any]]) -> list[ImageBoxes]:
    """Images as arrays.

    ``pred`` has one mapping per image with ``boxes`` (n, 4 or 6), ``scores`` (n,) and ``labels`` (n,); ``truth``
    one with ``boxes``, ``labels`` and if need be ``iscrowd``, ``ignore`` and ``area``. Labels are whole numbers
    and may be left out where there is one class.

    Raises ValueError, naming the image, for anything else.
    """
    if len(pred) != len(truth):
        raise ValueError(f"pred has {len(pred)} images, truth {len(truth)}; expected the same images")
    if not len(pred):
        raise ValueError("pred and truth are empty; expected one entry for each image")
    axes = next(
        (np.shape(e["boxes"])[1] // 2 for e in (*truth, *pred) if "boxes" in e and np.ndim(e["boxes"]) == 2),
        2,
    )
    return [_checked(i, p, t, axes) for i, (p, t) in enumerate(zip(pred, truth, strict=True))]


def _checked(image: int, pred: Mapping[str, Any], truth: Mapping[str, Any], axes: int) -> ImageBoxes:
    for name, entry, keys in (("pred", pred, _PRED_KEYS), ("truth", truth, _TRUTH_KEYS)):
        if not isinstance(entry, Mapping) or "boxes" not in entry:
            raise ValueError(f"{name}[{image}] has no 'boxes'; expected a mapping with {sorted(keys)}")
        unknown = set(entry) - keys - _OTHER_KEYS
        if unknown:
            raise ValueError(f"{name}[{image}] has {sorted(unknown)}, expected only {sorted(keys)}")
    if "scores" not in pred:
        raise ValueError(f"pred[{image}] has no 'scores'; expected one for each box")
    found = as_boxes(pred["boxes"], name=f"boxes of pred[{image}]", axes=axes)
    real = as_boxes(truth["boxes"], name=f"boxes of truth[{image}]", axes=axes)

    def column(entry: Mapping[str, Any], key: str, n: int, default: float, name: str) -> Floats:
        try:
            values = np.asarray(entry.get(key, np.full(n, default)), dtype=np.float64).reshape(-1)
        except (TypeError, ValueError):
            raise ValueError(
                f"{name}[{image}] has {key} that are not numbers, expected one number each"
            ) from None
        if values.shape != (n,) or not np.isfinite(values).all():
            raise ValueError(
                f"{name}[{image}] has {len(values)} {key} for {n} boxes, expected one finite each"
            )
        if key == "labels" and (values != np.rint(values)).any():
            raise ValueError(f"{name}[{image}] has labels that are not whole numbers")
        return values

    areas = box_area(real)
    return ImageBoxes(
        pred=found,
        score=column(pred, "scores", len(found), 0, "pred"),
        pred_label=column(pred, "labels", len(found), 0, "pred").astype(np.int64),
        truth=real,
        truth_label=column(truth, "labels", len(real), 0, "truth").astype(np.int64),
        crowd=column(truth, "iscrowd", len(real), 0, "truth") != 0,
        ignore=column(truth, "ignore", len(real), 0, "truth") != 0,
        area=column(truth, "area", len(real), 0, "truth") if "area" in truth else areas,
    )
