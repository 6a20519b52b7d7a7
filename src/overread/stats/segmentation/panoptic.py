"""Panoptic quality: objects matched one to one, and how well the matched ones overlap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array

from overread.stats.arrays import Bools, Floats, Ints
from overread.stats.segmentation.masks import joint_counts, whole_labels


@dataclass(frozen=True)
class PanopticQuality:
    """``pq`` = ``sq`` x ``rq``: mean IoU of matched objects x tp / (tp + fp / 2 + fn / 2).

    ``tp``, ``fp`` and ``fn`` count objects. Without any object, true or predicted, all three ratios are 1;
    without a match ``pq``, ``sq`` and ``rq`` are 0.
    """

    pq: float
    sq: float
    rq: float
    tp: int
    fp: int
    fn: int


def panoptic_quality(
    pred: ArrayLike, truth: ArrayLike, *, iou_threshold: float = 0.5, void: int | None = None
) -> PanopticQuality:
    """Panoptic quality of two instance maps of one shape: 0 background, each object its own number.

    Kirillov et al. (CVPR 2019). Objects match where their IoU is above ``iou_threshold``. From .5 on no object
    can match two others; below, the one-to-one matching of largest total IoU is taken. Voxels of the true
    number ``void`` count for nothing, and a prediction that lies mostly on them is not false.

    A mask in which all objects share one number is first split by ``components``.
    Raises ValueError for different or empty shapes, or labels that are not whole numbers from 0.
    """
    objects = _objects(pred, truth, void)
    return _quality(objects, _matches(objects, iou_threshold), 0)


def panoptic_quality_by_class(
    pred: ArrayLike,
    truth: ArrayLike,
    *,
    pred_classes: Mapping[int, int],
    truth_classes: Mapping[int, int],
    iou_threshold: float = 0.5,
    void: int | None = None,
) -> dict[int, PanopticQuality]:
    """Panoptic quality of each class; objects match only within their class.

    ``pred_classes`` and ``truth_classes`` give the class of each object's number. The published single figure
    is the mean of ``pq`` over the classes. Raises ValueError also for an object without a class.
    """
    objects = _objects(pred, truth, void, pred_classes, truth_classes)
    matches = _matches(objects, iou_threshold)
    classes = np.unique(np.concatenate([objects.true_class, objects.pred_class]))
    return {int(c): _quality(objects, matches, int(c)) for c in classes}


@dataclass(frozen=True)
class _Objects:
    """Common voxels (true, predicted), and size and class of each object; ``mostly_void`` of each predicted."""

    common: csr_array
    true_size: Ints
    pred_size: Ints
    true_class: Ints
    pred_class: Ints
    mostly_void: Bools


def _objects(
    pred: ArrayLike,
    truth: ArrayLike,
    void: int | None,
    pred_classes: Mapping[int, int] | None = None,
    truth_classes: Mapping[int, int] | None = None,
) -> _Objects:
    p, t = whole_labels(pred, truth)
    left_out = t == void if void is not None else np.zeros(t.shape, dtype=np.bool_)
    true_ids, true_codes = _numbered(np.where(left_out, 0, t))
    pred_ids, pred_codes = _numbered(p)
    whole = np.bincount(pred_codes, minlength=len(pred_ids) + 1)[1:]
    on_void = np.bincount(pred_codes[left_out.ravel()], minlength=len(pred_ids) + 1)[1:]
    return _Objects(
        joint_counts(true_codes, pred_codes, len(true_ids), len(pred_ids)),
        np.bincount(true_codes, minlength=len(true_ids) + 1)[1:],
        whole - on_void,
        _classes(true_ids, truth_classes, "truth"),
        _classes(pred_ids, pred_classes, "pred"),
        2 * on_void > whole,
    )


def _numbered(labels: NDArray[Any]) -> tuple[NDArray[Any], Ints]:
    """Numbers of the objects, and the flat map with 0 for background and i + 1 for the i-th of them."""
    flat = labels.ravel()
    inside = flat > 0
    ids, codes = np.unique(flat[inside], return_inverse=True)
    numbered = np.zeros(flat.shape, dtype=np.int64)
    numbered[inside] = codes + 1
    return ids, numbered


def _classes(ids: NDArray[Any], classes: Mapping[int, int] | None, name: str) -> Ints:
    if classes is None:
        return np.zeros(len(ids), dtype=np.int64)
    missing = [int(i) for i in ids if int(i) not in classes]
    if missing:
        raise ValueError(
            f"{name}_classes lacks object {missing[0]} of {name}; expected a class for each object"
        )
    return np.array([classes[int(i)] for i in ids], dtype=np.int64)


def _matches(objects: _Objects, threshold: float) -> tuple[Ints, Ints, Floats]:
    """True and predicted object and IoU of each match."""
    if not 0 <= threshold < 1:
        raise ValueError(f"iou_threshold is {threshold}, expected at least 0 and less than 1")
    pairs = objects.common.tocoo()
    true, found = pairs.coords
    iou: Floats = pairs.data / (objects.true_size[true] + objects.pred_size[found] - pairs.data)
    match = (iou > threshold) & (objects.true_class[true] == objects.pred_class[found])
    true, found, iou = true[match], found[match], iou[match]
    if threshold < 0.5 and len(iou):
        table = np.zeros(objects.common.shape)
        table[true, found] = iou
        rows, columns = linear_sum_assignment(table, maximize=True)
        taken = table[rows, columns] > 0
        true, found = rows[taken], columns[taken]
        iou = table[true, found]
    return true, found, iou


def _quality(objects: _Objects, matches: tuple[Ints, Ints, Floats], label: int) -> PanopticQuality:
    true, found, iou = matches
    matched = np.zeros(len(objects.pred_size), dtype=np.bool_)
    matched[found] = True
    here = objects.true_class[true] == label
    tp = int(here.sum())
    fn = int((objects.true_class == label).sum()) - tp
    fp = int(((objects.pred_class == label) & ~matched & ~objects.mostly_void).sum())
    if tp + fp + fn == 0:
        return PanopticQuality(1.0, 1.0, 1.0, 0, 0, 0)
    sq = float(iou[here].mean()) if tp else 0.0
    rq = tp / (tp + fp / 2 + fn / 2)
    return PanopticQuality(sq * rq, sq, rq, tp, fp, fn)
