"""Found and true boxes of many images: which found which, and the threshold that the tuning images give.

A found box is right where it overlaps a true one of its label that no surer box has taken, by at least
`overlap_needed`; all others are false. Matching goes in falling order of score, so that leaving out boxes below a
threshold changes no match of those above it: one matching serves every threshold.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.evaluate.thresholds import DEFAULT_THRESHOLD
from overread.imaging.boxes import Boxes
from overread.runtime.manifest import Manifest, OperatingPoint
from overread.stats.detection import match_detections
from overread.stats.intervals import mean_ci, ratio_ci

OVERLAP = {2: 0.5, 3: 0.1}
"""Intersection over union from which a box is right: a half in the plane (Everingham, IJCV 2010;88:303), a tenth in a
volume, where even good boxes overlap little (nnDetection: Baumgartner et al., MICCAI 2021)."""


def overlap_needed(manifest: Manifest) -> float:
    """Intersection over union from which a found box is right: as the protocol says, else `OVERLAP` by its axes."""
    return float(manifest.reference.get("box_overlap", OVERLAP[manifest.preprocess.dimensions]))


def corners(boxes: Boxes) -> NDArray[np.float64]:
    """``(n, 2 * axes)``: low and high corners in one row, as `overread.stats.detection` has them."""
    return np.hstack([boxes.low, boxes.high])


def right_ones(found: Boxes, true: Boxes, *, least: float) -> NDArray[np.bool_]:
    """``(found,)``: whether each box is on a true object of its label, overlapping by ``least`` or more."""
    right = np.zeros(len(found), np.bool_)
    for label in np.unique(found.labels):
        mine = found.labels == label
        real = true.where(true.labels == label)
        match = match_detections(
            corners(found.where(mine)),
            found.scores[mine],
            corners(real),
            rule="iou",
            threshold=least,
            duplicates="false",
        )
        right[mine] = match.truth >= 0
    return right


def as_text(boxes: Boxes, labels: Sequence[str]) -> str:
    """JSON list of ``[label, score, low corner, high corner]`` of each box."""
    parts = zip(boxes.labels, boxes.scores, boxes.low, boxes.high, strict=True)
    return json.dumps(
        [[labels[int(k)], float(s), a.tolist(), b.tolist()] for k, s, a, b in parts], ensure_ascii=False
    )


def from_text(text: str, labels: Sequence[str], *, axes: int) -> Boxes:
    """What `as_text` wrote."""
    rows = json.loads(text)
    index = {label: k for k, label in enumerate(labels)}
    return Boxes.of(
        [r[2] for r in rows],
        [r[3] for r in rows],
        [index[r[0]] for r in rows],
        [r[1] for r in rows],
        axes=axes,
    )


@dataclass(frozen=True)
class Ranked:
    """Candidates of one label over all tuning images: ``score``, ``right``, ``image`` ``(n,)``; ``true (images,)`` how
    many objects each image has; ``cluster (images,)`` its patient."""

    score: NDArray[np.float64]
    right: NDArray[np.bool_]
    image: NDArray[np.int64]
    true: NDArray[np.float64]
    cluster: NDArray[Any] | None = None

    def counts(self, threshold: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Right and false boxes of each image ``(images,)`` at a threshold."""
        kept, n = self.score >= threshold, len(self.true)
        right, false = (
            np.bincount(self.image[kept & kind], minlength=n).astype(np.float64)
            for kind in (self.right, ~self.right)
        )
        return right, false


def object_point(ranked: Ranked, rule: str) -> tuple[OperatingPoint, str]:
    """The threshold of one label by ``rule``, or the nearest to it and the reason for that.

    ``f1``: largest 2 found / (2 found + false + missed). ``sensitivity>=x``: the highest threshold that reaches it.
    ``false_positives<=x``: the lowest one with at most so many false boxes per image. It lies midway between two
    neighbouring scores. Its figures are those of the images on which it was chosen.
    """
    objects = float(ranked.true.sum())
    if objects == 0 or not ranked.right.any():
        reason = "no tuning image has it" if objects == 0 else "none was found on the tuning images"
        point = OperatingPoint(rule=rule, threshold=DEFAULT_THRESHOLD)
        return point, f"threshold: {reason}; it is {DEFAULT_THRESHOLD}"
    order = np.argsort(-ranked.score, kind="stable")
    score = ranked.score[order]
    ends = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)
    hit, false = np.cumsum(ranked.right[order])[ends], np.cumsum(~ranked.right[order])[ends]
    levels = score[ends]
    name, _, bound = rule.replace("<=", ">=").partition(">=")
    note = ""
    match name:
        case "f1":
            index = int(np.argmax(2 * hit / (hit + false + objects)))
        case "sensitivity":
            reached = np.flatnonzero(hit / objects >= float(bound) - 1e-12)
            index = int(reached[0]) if len(reached) else len(ends) - 1
            if not len(reached):
                share = hit[-1] / objects
                note = f"threshold: all candidates together find {share:.2f} of the objects; it is the lowest"
        case "false_positives":
            allowed = np.flatnonzero(false <= float(bound) * len(ranked.true) + 1e-9)
            index = int(allowed[-1]) if len(allowed) else -1
            if not len(allowed):
                note = "threshold: even the surest box breaks the rule; it lies above all of them"
        case _:
            raise ValueError(f"rule is {rule!r}, expected f1, sensitivity>=x or false_positives<=x")
    threshold = _between(levels, index)
    return OperatingPoint(rule=rule, threshold=threshold, figures=_figures(ranked, threshold)), note


def _between(levels: NDArray[np.float64], index: int) -> float:
    """A threshold that keeps ``levels[:index + 1]``, away from any score where there is room."""
    if index < 0:
        return float(np.nextafter(levels[0], np.inf))
    upper = float(levels[index])
    if index == len(levels) - 1:
        return upper
    middle = (upper + float(levels[index + 1])) / 2
    return middle if levels[index + 1] < middle <= upper else upper


def _figures(ranked: Ranked, threshold: float) -> dict[str, dict[str, Any]]:
    right, false = ranked.counts(threshold)
    found: dict[str, dict[str, Any]] = {}
    # One image, or nothing found, has no interval: the figure is then left out.
    with contextlib.suppress(ValueError):
        found["apparent_sensitivity"] = ratio_ci(right, ranked.true, cluster=ranked.cluster).as_dict()
    with contextlib.suppress(ValueError):
        found["apparent_precision"] = ratio_ci(right, right + false, cluster=ranked.cluster).as_dict()
    with contextlib.suppress(ValueError):
        found["apparent_false_positives_per_image"] = mean_ci(false, cluster=ranked.cluster).as_dict()
    return found
