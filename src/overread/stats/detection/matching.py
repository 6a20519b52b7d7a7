"""Which detection found which object of an image: each object once, the most confident detection first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Bools, Floats, Ints
from overread.stats.detection.box_geometry import as_boxes, box_centres, box_iou

Rule = Literal["iou", "centre-in-box", "centre-distance"]

# An IoU of exactly 1 must reach a threshold of 1 in spite of rounding.
_ALMOST_ONE = 1 - 1e-10


@dataclass(frozen=True)
class Matches:
    """``truth`` (n,) is the object that each detection found, or -1; ``ignored`` (n,) detections count nowhere.

    A detection that is neither matched nor ignored is false; one that found an object to be ignored is ignored.
    """

    truth: Ints
    ignored: Bools


def match_detections(
    pred: ArrayLike,
    score: ArrayLike,
    truth: ArrayLike,
    *,
    rule: Rule = "iou",
    threshold: ArrayLike = 0.5,
    spacing: ArrayLike | None = None,
    ignore: ArrayLike | None = None,
    crowd: ArrayLike | None = None,
    duplicates: Literal["false", "ignored"] = "false",
) -> Matches:
    """Match the detections of one image with its objects, in falling order of score.

    Each detection takes the best object that no better detection has taken; equal scores keep their order.

    Parameters
    ----------
    pred, score
        Boxes (n, 4) or (n, 6); for the centre rules also points (n, 2) or (n, 3). Scores (n,).
    truth
        Boxes (m, 4) or (m, 6).
    rule
        ``iou``: overlap of at least ``threshold``, the largest first (COCO). ``centre-in-box``: the centre lies
        inside the object's box, the nearest centre first. ``centre-distance``: centres at most ``threshold`` mm
        apart, one number or one for each object (such as its radius), the nearest first.
    spacing
        mm per unit of the coordinates of each axis, for distances; 1 if not given.
    ignore, crowd
        (m,) objects whose finding neither counts nor is false; a ``crowd`` may be found many times.
    duplicates
        A further detection of an object already taken is ``false`` (COCO) or ``ignored`` (lesion studies).
    """
    boxes = as_boxes(truth, name="truth")
    s = np.asarray(score, dtype=np.float64)
    if s.ndim != 1 or not np.isfinite(s).all():
        raise ValueError(f"score has shape {s.shape}, expected (n,) finite numbers: one for each detection")
    many = _flags(crowd, len(boxes), "crowd")
    skip = _flags(ignore, len(boxes), "ignore") | many
    if duplicates not in ("false", "ignored"):
        raise ValueError(f"duplicates is {duplicates!r}, expected 'false' or 'ignored'")
    closeness, least = _closeness(pred, boxes, rule, threshold, spacing, many)
    if len(closeness) != len(s):
        raise ValueError(f"score has {len(s)} entries, expected {len(closeness)}: one for each detection")
    order = np.argsort(-s, kind="stable")
    found = greedy(closeness, order, np.array([least]), skip, many)[0]
    ignored = (found >= 0) & skip[found] if len(boxes) else np.zeros(len(s), dtype=np.bool_)
    if duplicates == "ignored" and len(boxes):
        ignored |= (found < 0) & (closeness >= least).any(axis=1)
    return Matches(found, ignored)


def greedy(
    closeness: Floats,
    order: Ints,
    thresholds: Floats,
    ignored: Bools,
    reusable: Bools,
    *,
    nearest_only: bool = False,
) -> Ints:
    """Object of each detection at each threshold (t, n), -1 for none; ``closeness`` (n, m), more is better.

    COCO's rules: an object to be counted goes before one to be ignored, and of equals the last is taken.
    ``nearest_only`` (Pascal VOC): a detection may take its nearest object, the first of equals, and no other.
    """
    n, m = closeness.shape
    found = np.full((len(thresholds), n), -1, dtype=np.int64)
    if n == 0 or m == 0:
        return found
    if nearest_only:
        nearest = np.arange(m) == closeness.argmax(axis=1)[:, None]
        closeness = np.where(nearest, closeness, -np.inf)
    least = np.minimum(thresholds, _ALMOST_ONE)[:, None]
    groups = [g for g in (np.flatnonzero(~ignored)[::-1], np.flatnonzero(ignored)[::-1]) if len(g)]
    taken = np.zeros((len(thresholds), m), dtype=np.bool_)
    rows = np.arange(len(thresholds))
    reaching = closeness.max(axis=1) >= least.min()
    for detection in order[reaching[order]]:
        near = closeness[detection]
        open_to = (near >= least) & (~taken | reusable)
        for group in groups:
            # Reversed, so that the first of the largest is the last object.
            value = np.where(open_to[:, group], near[group], -np.inf)
            best = value.argmax(axis=1)
            hit = (value[rows, best] > -np.inf) & (found[:, detection] < 0)
            found[hit, detection] = group[best[hit]]
        hit = found[:, detection] >= 0
        taken[rows[hit], found[hit, detection]] = True
    return found


def _closeness(
    pred: ArrayLike, truth: Floats, rule: str, threshold: ArrayLike, spacing: ArrayLike | None, crowd: Bools
) -> tuple[Floats, float]:
    """How near each detection is to each object, -inf where it cannot match, and the least that matches."""
    limit = np.asarray(threshold, dtype=np.float64)
    axes = truth.shape[1] // 2 if len(truth) else None
    if rule == "iou":
        if limit.ndim or not 0 < limit <= 1:
            raise ValueError(f"threshold is {threshold!r}, expected one IoU above 0 and up to 1")
        return box_iou(as_boxes(pred, name="pred", axes=axes), truth, crowd=crowd), float(limit)
    if rule not in ("centre-in-box", "centre-distance"):
        raise ValueError(f"rule is {rule!r}, expected 'iou', 'centre-in-box' or 'centre-distance'")
    points = np.asarray(pred, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] not in (2, 3):
        points = box_centres(as_boxes(pred, name="pred", axes=axes))
    if not len(truth) or not len(points):
        return np.zeros((len(points), len(truth))), -np.inf
    if points.shape[1] != axes:
        raise ValueError(f"pred has {points.shape[1]} axes, truth {axes}; expected the same")
    size = np.ones(points.shape[1]) if spacing is None else np.asarray(spacing, dtype=np.float64)
    if size.shape != (points.shape[1],) or not (size > 0).all():
        raise ValueError(f"spacing is {spacing!r}, expected {points.shape[1]} positive numbers")
    distance = np.linalg.norm((points[:, None] - box_centres(truth)) * size, axis=2)
    if rule == "centre-in-box":
        low, high = np.hsplit(truth, 2)
        allowed = ((points[:, None] >= low) & (points[:, None] <= high)).all(axis=2)
    else:
        if limit.shape not in ((), (len(truth),)) or not (limit >= 0).all():
            raise ValueError(f"threshold is {threshold!r}, expected mm, one number or one for each object")
        allowed = distance <= limit
    return np.where(allowed, -distance, -np.inf), float(np.finfo(np.float64).min)


def _flags(values: ArrayLike | None, n: int, name: str) -> Bools:
    flags = np.zeros(n, dtype=np.bool_) if values is None else np.asarray(values).astype(np.bool_)
    if flags.shape != (n,):
        raise ValueError(f"{name} has shape {flags.shape}, expected ({n},): one for each object")
    return flags
