"""Matched detections of one class in order of score, and their average precision under any case weights.

Matching looks at one image at a time, so a resample of images changes no match: it changes how often each
detection and each object counts. All resamples therefore share one sorting and one matching.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from overread.stats.arrays import Bools, Floats, Ints
from overread.stats.detection.box_geometry import box_area, box_iou
from overread.stats.detection.images import ImageBoxes
from overread.stats.detection.matching import greedy

Interpolation = Literal["101-point", "11-point", "all-points"]
Matching = Literal["coco", "voc"]


@dataclass(frozen=True)
class Ranked:
    """Detections of one class over all images, highest score first.

    ``image`` (n,) and ``place`` (n,) are the image of each and its rank there from 0; ``right`` (t, n) and
    ``ignored`` (t, n) its fate at each threshold; ``truths`` (images,) how many objects count in each image.
    """

    image: Ints
    place: Ints
    right: Bools
    ignored: Bools
    truths: Floats

    def first(self, most: int) -> Ranked:
        """Only the ``most`` highest scores of each image."""
        kept = self.place < most
        return Ranked(
            self.image[kept], self.place[kept], self.right[:, kept], self.ignored[:, kept], self.truths
        )


def rank_class(
    images: list[ImageBoxes],
    label: int | None,
    thresholds: Floats,
    most: int,
    *,
    area: tuple[float, float] | None = None,
    matching: Matching = "coco",
) -> Ranked:
    """Match one class (all boxes if None) in every image at every IoU threshold by the rules of ``matching``.

    Objects outside the ``area`` range are ignored, and so are unmatched detections outside it.
    """
    columns: list[tuple[Floats, Ints, Bools, Bools]] = []
    owner, truths = [], np.zeros(len(images))
    for i, image in enumerate(images):
        chosen = np.arange(len(image.score)) if label is None else np.flatnonzero(image.pred_label == label)
        chosen = chosen[np.argsort(-image.score[chosen], kind="stable")][:most]
        mine = np.ones(len(image.truth), dtype=np.bool_) if label is None else image.truth_label == label
        skip = (image.crowd | image.ignore)[mine]
        outside = np.zeros(len(chosen), dtype=np.bool_)
        if area is not None:
            skip = skip | (image.area[mine] < area[0]) | (image.area[mine] > area[1])
            sizes = box_area(image.pred[chosen])
            outside = (sizes < area[0]) | (sizes > area[1])
        truths[i] = np.count_nonzero(~skip)
        if not len(chosen):
            continue
        crowd = image.crowd[mine]
        overlap = box_iou(image.pred[chosen], image.truth[mine], crowd=crowd)
        match = greedy(
            overlap, np.arange(len(chosen)), thresholds, skip, crowd, nearest_only=matching == "voc"
        )
        hit = match >= 0
        on_ignored = hit & skip[match] if len(skip) else hit
        columns.append(
            (image.score[chosen], np.arange(len(chosen)), hit & ~on_ignored, on_ignored | (~hit & outside))
        )
        owner.append(np.full(len(chosen), i))
    if not columns:
        none = np.zeros((len(thresholds), 0), dtype=np.bool_)
        return Ranked(np.zeros(0, np.int64), np.zeros(0, np.int64), none, none, truths)
    score, place = (np.concatenate([c[k] for c in columns]) for k in (0, 1))
    right, ignored = (np.concatenate([c[k] for c in columns], axis=1) for k in (2, 3))
    order = np.argsort(-score, kind="stable")
    return Ranked(
        np.concatenate(owner)[order],
        place[order].astype(np.int64),
        right[:, order],
        ignored[:, order],
        truths,
    )


def weighted_precision(
    ranked: Ranked, weights: Floats, *, interpolation: Interpolation = "101-point"
) -> tuple[Floats, Floats]:
    """Average precision and final recall (b, t) under image weights (b, images); NaN without an object.

    ``weights`` are whole numbers: how often each image was drawn.
    """
    drawn = weights[:, ranked.image]
    truths = weights @ ranked.truths
    shape = (len(weights), len(ranked.right))
    precision, recall = np.zeros(shape), np.zeros(shape)
    every = None if ranked.ignored.any() else np.cumsum(drawn, axis=1)
    for t, (right, ignored) in enumerate(zip(ranked.right, ranked.ignored, strict=True)):
        at = np.flatnonzero(right)
        if not len(at):
            continue
        # Precision and recall rise only where a detection is right: nothing else is looked at.
        counted = every if every is not None else np.cumsum(drawn * ~ignored, axis=1)
        found = np.cumsum(drawn[:, at], axis=1)
        ratio = found / np.maximum(counted[:, at], 1)
        envelope = np.maximum.accumulate(ratio[:, ::-1], axis=1)[:, ::-1]
        precision[:, t] = _average(found, envelope, truths, interpolation)
        recall[:, t] = found[:, -1] / np.maximum(truths, 1)
    absent = truths == 0
    precision[absent] = recall[absent] = np.nan
    return precision, recall


def _average(found: Floats, envelope: Floats, truths: Floats, interpolation: str) -> Floats:
    if interpolation == "all-points":
        steps = np.diff(found, axis=1, prepend=0)
        total: Floats = (steps * envelope).sum(axis=1) / np.maximum(truths, 1)
        return total
    levels = np.linspace(0, 1, 101 if interpolation == "101-point" else 11)
    rows, n = found.shape
    # Smallest count that reaches each recall level, in the floating-point comparison of the ratio itself.
    whole = np.maximum(truths, 1)[:, None]
    need = np.ceil(levels * whole)
    need -= (need - 1) / whole >= levels
    need += need / whole < levels
    # Rows laid end to end in rising order make all searches one.
    lift = (np.arange(rows) * (truths.max() + 2))[:, None]
    index = np.searchsorted((found + lift).ravel(), (need + lift).ravel()).reshape(rows, -1)
    index -= n * np.arange(rows)[:, None]
    padded = np.hstack([envelope, np.zeros((rows, 1))])
    mean: Floats = np.take_along_axis(padded, np.minimum(index, n), axis=1).mean(axis=1)
    return mean
