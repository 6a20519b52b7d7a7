"""Weights of training cases that make group and label independent."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Floats, as_classes, group_count
from overread.stats.fairness.groups import Group, group_codes


def reweighing_weights(y: ArrayLike, group: Group) -> Floats:
    """Weight (n,) of each case: P(group) P(label) / P(group, label).

    Kamiran and Calders, Knowl Inf Syst 2012;33:1. ``y`` (n,) are class indices from 0, ``group`` as in ``by_group``.
    Under these weights every label is as frequent in each group as in all, and the weights sum to n.

    Raises ValueError for NaN, labels that are no indices, or a case without group.
    """
    labels = as_classes(y)
    n = len(labels)
    codes, names = group_codes(group, n)
    classes = group_count(labels)
    together = np.bincount(codes * classes + labels, minlength=len(names) * classes)
    expected = np.outer(np.bincount(codes), np.bincount(labels)).ravel() / n
    cell = codes * classes + labels
    weights: Floats = expected[cell] / together[cell]
    return weights
