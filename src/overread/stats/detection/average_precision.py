"""Average precision by COCO's rules, with intervals from resampled images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Floats, as_floats
from overread.stats.detection.images import ImageBoxes, checked_images
from overread.stats.detection.ranked import Interpolation, Matching, rank_class, weighted_precision
from overread.stats.detection.resampling import IntervalMethod, intervals
from overread.stats.interval import Interval

Entries = Sequence[Mapping[str, Any]]
COCO_THRESHOLDS = np.linspace(0.5, 0.95, 10)
COCO_AREAS = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}


@dataclass(frozen=True)
class MeanAveragePrecision:
    """``map``: mean over classes and IoU thresholds; ``by_threshold`` and ``by_class`` its two margins.

    ``recall`` is the mean over classes and thresholds of the recall with all detections that were allowed
    (COCO's AR). Classes without an object are left out.
    """

    map: Interval
    by_threshold: dict[float, Interval]
    by_class: dict[int, Interval]
    recall: Interval

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def average_precision(
    pred: Entries,
    truth: Entries,
    *,
    iou_threshold: float = 0.5,
    label: int | None = None,
    interpolation: Interpolation = "101-point",
    max_detections: int = 100,
    cluster: ArrayLike | None = None,
    method: IntervalMethod = "logit",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    matching: Matching = "coco",
) -> Interval:
    """Average precision of one class at one IoU threshold, with a bootstrap interval over images.

    Parameters
    ----------
    pred
        One mapping per image: ``boxes`` (n, 4) or (n, 6) corners, ``scores`` (n,), ``labels`` (n,).
    truth
        One mapping per image: ``boxes``, ``labels``, and if need be ``iscrowd``, ``ignore``, ``area``.
    label
        The class; None takes all boxes as one class.
    interpolation
        ``101-point`` (COCO; Lin et al., ECCV 2014), ``11-point`` (Pascal VOC 2007; Everingham, IJCV 2010;88:303)
        or ``all-points`` (VOC 2010 on).
    max_detections
        Only so many highest scores of an image count.
    cluster
        (images,), the patient of each image: whole patients are drawn.
    method
        ``logit``: bootstrap standard error on the logit scale with a t quantile; nominal 95% covers 93 to 97% from
        20 images on. ``percentile`` and ``basic`` cover less.
    matching
        ``coco``: of the objects not yet taken a detection takes the one of largest IoU. ``voc``: it may take only
        the one of largest IoU of all, and is false if that is taken (Everingham 2010). VOC also counts the pixels
        of both corners: see ``pixel-corners`` of ``convert_boxes``.

    Raises ValueError for bad boxes, and where no image holds an object of the class.
    """
    _check(interpolation, max_detections, matching)
    images = checked_images(pred, truth)
    ranked = rank_class(
        images, label, _thresholds([iou_threshold]), max_detections, area=None, matching=matching
    )
    if not ranked.truths.any():
        raise ValueError(f"truth holds no object of label {label}; its average precision does not exist")

    def statistic(weights: Floats) -> Floats:
        return weighted_precision(ranked, weights, interpolation=interpolation)[0]

    return intervals(statistic, len(images), cluster, None, method, confidence, resamples, seed)[0]


def mean_average_precision(
    pred: Entries,
    truth: Entries,
    *,
    iou_thresholds: ArrayLike = COCO_THRESHOLDS,
    area: str | tuple[float, float] = "all",
    max_detections: int = 100,
    interpolation: Interpolation = "101-point",
    cluster: ArrayLike | None = None,
    method: IntervalMethod = "logit",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    matching: Matching = "coco",
) -> MeanAveragePrecision:
    """Mean average precision over the classes of ``truth`` and over IoU thresholds, .5 to .95 by .05 if not given.

    COCO's rules (Lin et al., ECCV 2014): detections in falling order of score take the free object of largest
    IoU; crowds and objects outside ``area`` (``all``, ``small``, ``medium``, ``large`` or two numbers) are
    ignored. Matching is done once; each of the ``resamples`` of images, or of patients (``cluster``), only
    counts anew. A class that a resample has lost is left out of its mean.

    For the other parameters see ``average_precision``.
    """
    _check(interpolation, max_detections, matching)
    images = checked_images(pred, truth)
    levels = _thresholds(iou_thresholds)
    bounds = _area(area)
    classes = _classes(images)
    ranked = [rank_class(images, c, levels, max_detections, area=bounds, matching=matching) for c in classes]
    kept = [k for k, r in enumerate(ranked) if r.truths.any()]
    if not kept:
        raise ValueError(f"truth holds no object in area {area!r}; mean average precision does not exist")

    def statistic(weights: Floats) -> Floats:
        parts = [weighted_precision(ranked[k], weights, interpolation=interpolation) for k in kept]
        precision, recall = (np.stack([p[i] for p in parts], axis=1) for i in (0, 1))
        return np.hstack(
            [
                _mean(precision.reshape(len(weights), -1))[:, None],
                _mean(recall.reshape(len(weights), -1))[:, None],
                _mean(np.moveaxis(precision, 1, 2)),
                _mean(precision),
            ]
        )

    found = intervals(statistic, len(images), cluster, None, method, confidence, resamples, seed)
    by_threshold = found[2 : 2 + len(levels)]
    return MeanAveragePrecision(
        found[0],
        {round(float(t), 6): i for t, i in zip(levels, by_threshold, strict=True)},
        {classes[k]: i for k, i in zip(kept, found[2 + len(levels) :], strict=True)},
        found[1],
    )


def coco_summary(pred: Entries, truth: Entries) -> dict[str, float | None]:
    """COCO's twelve figures by their usual names, without intervals; None where no object lies in the area range.

    Equal to pycocotools' ``stats``, which writes -1 for None. Boxes in 2D, areas in pixels.
    """
    images = checked_images(pred, truth)
    classes, once = _classes(images), np.ones((1, len(images)))
    figures: dict[str, float | None] = {}
    tables = {}
    for name, bounds in COCO_AREAS.items():
        ranked = [rank_class(images, c, COCO_THRESHOLDS, 100, area=bounds) for c in classes]
        for most in (1, 10, 100) if name == "all" else (100,):
            parts = [weighted_precision(r.first(most), once) for r in ranked]
            tables[name, most] = [np.array([p[i][0] for p in parts]) for i in (0, 1)]

    def mean(values: Floats) -> float | None:
        known = values[np.isfinite(values)]
        return float(known.mean()) if len(known) else None

    precision = tables["all", 100][0]
    figures["AP"], figures["AP50"], figures["AP75"] = (
        mean(precision),
        mean(precision[:, 0]),
        mean(precision[:, 5]),
    )
    for short, name in (("APs", "small"), ("APm", "medium"), ("APl", "large")):
        figures[short] = mean(tables[name, 100][0])
    for most in (1, 10, 100):
        figures[f"AR{most}"] = mean(tables["all", most][1])
    for short, name in (("ARs", "small"), ("ARm", "medium"), ("ARl", "large")):
        figures[short] = mean(tables[name, 100][1])
    return figures


def _mean(values: Floats) -> Floats:
    """Mean over the last axis of what exists; NaN where nothing does."""
    known = np.isfinite(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0).sum(axis=-1)
    means: Floats = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return means


def _classes(images: list[ImageBoxes]) -> list[int]:
    return [int(c) for c in np.unique(np.concatenate([image.truth_label for image in images]))]


def _thresholds(values: ArrayLike) -> Floats:
    levels = as_floats(np.atleast_1d(np.asarray(values, dtype=np.float64)), "iou_thresholds")
    if (levels <= 0).any() or (levels > 1).any():
        raise ValueError(f"IoU thresholds are {levels.tolist()}, expected numbers above 0 and up to 1")
    return levels


def _area(area: str | tuple[float, float]) -> tuple[float, float] | None:
    if isinstance(area, str):
        if area not in COCO_AREAS:
            raise ValueError(f"area is {area!r}, expected one of {', '.join(COCO_AREAS)} or two numbers")
        return None if area == "all" else COCO_AREAS[area]
    return float(area[0]), float(area[1])


def _check(interpolation: str, max_detections: int, matching: str) -> None:
    if interpolation not in ("101-point", "11-point", "all-points"):
        raise ValueError(
            f"interpolation is {interpolation!r}, expected '101-point', '11-point' or 'all-points'"
        )
    if matching not in ("coco", "voc"):
        raise ValueError(f"matching is {matching!r}, expected 'coco' or 'voc'")
    if max_detections < 1:
        raise ValueError(f"max_detections is {max_detections}, expected 1 or more")
