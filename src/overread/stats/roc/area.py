"""Area under the ROC curve with its interval."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import (
    Ints,
    as_classes,
    as_floats,
    as_groups,
    check_confidence,
    same_length,
    unit_count,
)
from overread.stats.bootstrap import defined, limits, resample_counts, resampling_name
from overread.stats.interval import Interval
from overread.stats.roc.curve import checked, checked_weights
from overread.stats.roc.hanley import hanley_mcneil_variance
from overread.stats.roc.limits import area_limits, newcombe_interval
from overread.stats.roc.placements import areas, placements
from overread.stats.roc.resample import WeightedAuc, case_replicates, cluster_replicates

AucMethod = Literal[
    "logit",
    "plain",
    "delong",
    "delong-logit",
    "hanley-mcneil",
    "newcombe",
    "bootstrap",
    "obuchowski",
    "obuchowski-logit",
]
_METHODS = get_args(AucMethod)
_ALIAS = {"logit": "delong-logit", "plain": "delong"}


def auc(
    y: ArrayLike,
    score: ArrayLike,
    *,
    confidence: float = 0.95,
    cluster: ArrayLike | None = None,
    method: AucMethod = "logit",
    resamples: int = 2000,
    seed: int = 0,
    weights: ArrayLike | None = None,
) -> Interval:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting half.

    Parameters
    ----------
    y, score
        Labels (n,) of 0 and 1; scores (n,), higher for class 1.
    cluster
        (n,), such as the patient of each image.
    method
        Independent cases: ``delong-logit`` (the default, also called ``logit``) is DeLong's variance
        (Biometrics 1988;44:837) from placement values in O(n log n) (Sun and Xu, IEEE Signal Process Lett
        2014;21:1389) with limits on the logit scale (Pepe 2003, 5.2); ``delong`` (also ``plain``) has them
        on the plain scale, cut to 0 and 1. ``hanley-mcneil`` (Radiology 1982;143:29) and ``newcombe`` (Stat
        Med 2006;25:559, method 5) use the area and the sizes only. ``bootstrap``: percentile bootstrap of
        cases within each class. With 15 to 50 cases of each class and areas of 0.75 to 0.97, 95% of
        ``delong-logit`` cover 94-98% and of ``delong`` 84-94%; with 20 positives among 220 cases the former
        cover 95% at an area of 0.75 but 89% at 0.97, where ``newcombe`` covers 96%.
        With ``cluster``: ``obuchowski-logit`` (also ``delong-logit``; Biometrics 1997;53:567), DeLong's
        variance for correlated cases, which holds its level from some twenty clusters on; ``obuchowski``
        (also ``delong``) has it on the plain scale; ``bootstrap`` is the percentile bootstrap of whole
        clusters, in strata by the classes that a cluster holds so that no resample loses a class. The last
        two need about a hundred clusters: with twenty, 95% cover 88-91%.
    weights
        (n,) sampling weights, such as the inverse of the chance of verification, for the DeLong and
        Obuchowski methods.

    Where the variance is zero or undefined (perfect separation, one case of a class) limits are Newcombe's
    of as many cases (clusters) as there are, which stay informative there.

    Raises ValueError for NaN, wrong shapes, one class only, or a method that does not fit the arguments.
    """
    check_confidence(confidence)
    if method not in _METHODS:
        raise ValueError(f"method is {method!r}, expected one of {', '.join(map(repr, _METHODS))}")
    name = _ALIAS.get(method, method)
    labels, s = checked(y, score)
    codes = as_groups(cluster, len(labels))
    w = None if weights is None else checked_weights(weights, labels)
    if codes is not None:
        name = name.replace("delong", "obuchowski")
    if w is not None:
        if not name.startswith(("delong", "obuchowski")):
            raise ValueError("weights need a 'delong' method, or with cluster an 'obuchowski' one")
        kept = w > 0
        labels, s, w = labels[kept], s[kept], w[kept]
        codes = None if codes is None else np.unique(codes[kept], return_inverse=True)[1].astype(np.int64)
    if codes is None and name.startswith("obuchowski"):
        raise ValueError(f"method {method!r} needs cluster, such as the patient of each case")
    if codes is not None and name in ("hanley-mcneil", "newcombe"):
        raise ValueError(f"method {method!r} takes cases as independent; with cluster use 'obuchowski-logit'")
    n = unit_count(codes, len(labels))
    if codes is not None and n < 2:
        raise ValueError("one cluster has no interval; expected two or more")
    found = areas(labels, s[None], codes=codes, weights=w)
    area, variance = float(found.area[0]), float(found.covariance[0, 0])
    sizes = (found.positives, found.negatives)
    if name == "newcombe":
        return newcombe_interval(area, *sizes, confidence, n)
    if name == "hanley-mcneil":
        variance = hanley_mcneil_variance(area, *sizes)
        return area_limits(area, variance, *sizes, confidence, "plain", "Hanley-McNeil", n)
    if name == "bootstrap":
        return _bootstrapped(labels, s, codes, area, sizes, confidence, resamples, seed)
    scale = "logit" if name.endswith("logit") else "plain"
    author = "DeLong" if codes is None else "Obuchowski"
    return area_limits(area, variance, *sizes, confidence, scale, author, n)


def auc_macro(
    y: ArrayLike,
    prob: ArrayLike,
    *,
    confidence: float = 0.95,
    cluster: ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Mean over classes of the one-versus-rest AUC, with a percentile bootstrap interval.

    ``y`` (n,) class indices, ``prob`` (n, k) probability or score of each class. Cases are resampled within
    classes; with ``cluster`` (n,) whole clusters are, and resamples that lose a class are set aside.

    Raises ValueError for NaN, wrong shapes, a class without a case, or classes in so few clusters that most
    resamples lose one.
    """
    check_confidence(confidence)
    p = as_floats(prob, "prob", ndim=2)
    truth = as_classes(y, "y", classes=p.shape[1])
    same_length(len(truth), p, "prob")
    _every_class(truth, p.shape[1])
    onehot = truth[:, None] == np.arange(p.shape[1])
    codes = as_groups(cluster, len(truth))
    found = [placements(onehot[:, k], p[:, k])[0] for k in range(p.shape[1])]
    columns = [WeightedAuc(onehot[:, k], p[:, k]) for k in range(p.shape[1])]
    units = unit_count(codes, len(truth))
    blocks = resample_counts(
        units, resamples, seed, strata=truth if codes is None else None, rows_of_data=len(truth)
    )
    replicates = []
    for counts in blocks:
        weights = counts if codes is None else counts[:, codes]
        replicates.append(np.mean([column(weights) for column in columns], axis=0))
    kept = defined(np.concatenate(replicates))
    name = resampling_name(codes, within_classes=True)
    return limits(float(np.mean(found)), kept, method="percentile", confidence=confidence, n=units, name=name)


def _bootstrapped(
    labels: np.ndarray,
    s: np.ndarray,
    codes: Ints | None,
    area: float,
    sizes: tuple[float, float],
    confidence: float,
    resamples: int,
    seed: int,
) -> Interval:
    n = unit_count(codes, len(labels))
    if codes is None:
        replicates = case_replicates(labels, s[None], resamples, seed)[:, 0]
    else:
        replicates = cluster_replicates(labels, s[None], codes, resamples, seed)[:, 0]
    if np.ptp(replicates) == 0:
        return newcombe_interval(area, *sizes, confidence, n)
    name = resampling_name(codes, within_classes=True)
    return limits(area, replicates, method="percentile", confidence=confidence, n=n, name=name)


def _every_class(truth: Ints, classes: int) -> None:
    for k, count in enumerate(np.bincount(truth, minlength=classes)):
        if count == 0 or count == len(truth):
            raise ValueError(f"class {k} has {count} of {len(truth)} cases; expected cases of every class")
