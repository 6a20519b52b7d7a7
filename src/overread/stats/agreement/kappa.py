"""Chance-corrected agreement of two raters: Cohen's kappa, weighted or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, stdtrit

from overread.stats.arrays import (
    Floats,
    Ints,
    as_counts,
    as_floats,
    as_groups,
    as_labels,
    check_confidence,
    group_count,
    same_length,
)
from overread.stats.interval import Interval
from overread.stats.intervals import proportion_ci

Weights = Literal["none", "linear", "quadratic"]


@dataclass(frozen=True)
class CohenKappa:
    """Kappa, its test against chance agreement (``z``, two-sided ``p_value``), and what it is made of.

    ``pabak``: prevalence- and bias-adjusted kappa, None for weighted kappa. ``observed`` and ``expected`` are
    (weighted) agreement, ``table`` (k, k) the counts, rows the first rater.
    """

    kappa: Interval
    z: float
    p_value: float
    pabak: Interval | None
    observed: float
    expected: float
    table: Ints


def cohen_kappa(
    first: ArrayLike,
    second: ArrayLike | None = None,
    *,
    weights: Weights | ArrayLike | None = None,
    categories: Sequence[Any] | None = None,
    cluster: ArrayLike | None = None,
    method: Literal["asymptotic", "cohen", "fleiss"] = "asymptotic",
    confidence: float = 0.95,
) -> CohenKappa:
    """Agreement of two raters beyond chance (Cohen, Educ Psychol Meas 1960;20:37; weighted: Psychol Bull 1968;70:213).

    Parameters
    ----------
    first, second
        Ratings (n,) of the same cases, numbers or text; or ``first`` alone, a table (k, k) of counts.
    weights
        ``linear`` or ``quadratic`` disagreement by the distance of categories in their order, or a matrix (k, k)
        of agreement, 1 on the diagonal and at most 1 beside it, or of disagreement, 0 on the diagonal and 0 or more
        beside it (Cohen 1968).
    categories
        All categories in their order, also such as no rater used. Without it: those found, sorted; ordered
        weights of text need it.
    cluster
        (n,), such as the patient of each image: the variance is then between clusters, the limits Student's t.
    method
        Of the limits. ``asymptotic``: kappa -+ z times its large-sample error (Fleiss, Cohen and Everitt, Psychol Bull
        1969;72:323), which covers 95% from about 100 cases on. ``cohen``: with the error that takes chance agreement
        as known (Cohen 1960), as in many textbooks; not for weighted kappa. ``fleiss``: with the error under chance
        agreement, as the R package epiR reports by that name; away from kappa 0 it is no 95% interval.

    z is kappa over its error under chance agreement (Fleiss, Cohen and Everitt). Where the raters agree on every case
    the lower limit is kappa at Wilson's limit of the agreement.
    PABAK: Byrt, Bishop and Carlin, J Clin Epidemiol 1993;46:423, with Wilson limits of the agreement.

    Raises ValueError for NaN, ratings beside ``categories``, or where both raters use one and the same category
    only, where kappa does not exist.
    """
    check_confidence(confidence)
    table, row, column = _table(first, second, weights, categories)
    k, n = len(table), int(table.sum())
    w, weighted = _agreement_weights(weights, k)
    share = table / n
    of_first, of_second = share.sum(axis=1), share.sum(axis=0)
    chance = np.outer(of_first, of_second)
    observed, expected = float((w * share).sum()), float((w * chance).sum())
    if expected > 1 - 1e-12:
        raise ValueError("both raters use one and the same category only; kappa does not exist")
    kappa = (observed - expected) / (1 - expected)
    margins = (w @ of_second)[:, None] + (of_first @ w)[None, :]
    influence = (w - margins * (1 - kappa) - (kappa - expected * (1 - kappa))) / (1 - expected)
    null = max(0.0, float((chance * (w - margins) ** 2).sum()) - expected**2) / (n * (1 - expected) ** 2)
    z = kappa / float(np.sqrt(null)) if null > 0 else float("nan")
    codes = as_groups(cluster, n) if cluster is not None and row is not None else None
    if cluster is not None and codes is None:
        raise ValueError("cluster needs the two raters' ratings; a table does not say whose cases are whose")
    units, quantile, name = n, float(ndtri(0.5 + confidence / 2)), "Fleiss-Cohen-Everitt"
    variance = float((share * influence**2).sum()) / n
    if method == "fleiss":
        variance, name = null, "Fleiss, error under chance"
    elif method == "cohen":
        variance, name = observed * (1 - observed) / (n * (1 - expected) ** 2), "Cohen 1960"
        if weighted:
            raise ValueError("method 'cohen' has no error of weighted kappa; use 'asymptotic'")
    elif method != "asymptotic":
        raise ValueError(f"method is {method!r}, expected 'asymptotic', 'cohen' or 'fleiss'")
    if codes is not None and method != "asymptotic":
        raise ValueError(f"method {method!r} supposes independent cases; with cluster use 'asymptotic'")
    if codes is not None and row is not None and column is not None:
        units = group_count(codes)
        if units < 2:
            raise ValueError("one cluster has no interval; expected two or more")
        sums = np.bincount(codes, influence[row, column])
        variance = float(units / (units - 1) * np.sum(sums**2)) / n**2
        quantile, name = float(stdtrit(units - 1, 0.5 + confidence / 2)), "Fleiss-Cohen-Everitt, clusters"
    if observed > 1 - 1e-12:
        least = proportion_ci(units, units, method="wilson", confidence=confidence).low
        low, high, name = max(-1.0, (least - expected) / (1 - expected)), 1.0, "full agreement: Wilson"
    else:
        half = quantile * float(np.sqrt(variance))
        low, high = max(-1.0, kappa - half), min(1.0, kappa + half)
    agree = proportion_ci(int(np.trace(table)), n, method="wilson", confidence=confidence)
    even, even_low, even_high = ((k * v - 1) / (k - 1) for v in (agree.estimate, agree.low, agree.high))
    pabak = Interval(even, even_low, even_high, confidence, "Wilson", n)
    return CohenKappa(
        kappa=Interval(float(kappa), float(low), float(high), confidence, name, units),
        z=z,
        p_value=float(2 * ndtr(-abs(z))),
        pabak=None if weighted or codes is not None else pabak,
        observed=observed,
        expected=expected,
        table=table,
    )


def _table(
    first: ArrayLike,
    second: ArrayLike | None,
    weights: Weights | ArrayLike | None,
    categories: Sequence[Any] | None,
) -> tuple[Ints, Ints | None, Ints | None]:
    if second is None:
        table = as_counts(first)
        if table.shape[0] != table.shape[1] or len(table) < 2:
            raise ValueError(f"table has shape {table.shape}, expected (k, k); or give both raters' ratings")
        return table, None, None
    one, two = as_labels(first, "first"), as_labels(second, "second")
    same_length(len(one), two, "second")
    if (one.dtype.kind in "US") != (two.dtype.kind in "US"):
        raise ValueError("one rater's ratings are text, the other's numbers; give both in the same form")
    found = np.unique(np.concatenate([one, two]))
    if categories is None:
        if found.dtype.kind not in "biuf" and weights is not None and str(weights) != "none":
            raise ValueError("ordered weights of text ratings need categories in their order")
        known = found
    else:
        known = np.asarray(categories)
        if len(set(known.tolist())) < len(known):
            raise ValueError("categories names one category twice")
        beside = [str(v) for v in found if v not in known]
        if beside:
            raise ValueError(f"ratings hold {', '.join(beside[:5])}, which is not among categories")
    if len(known) < 2:
        raise ValueError("both raters use one and the same category only; kappa does not exist")
    place = {value: i for i, value in enumerate(known.tolist())}
    row, column = (np.array([place[v] for v in ratings.tolist()]) for ratings in (one, two))
    k = len(known)
    return np.bincount(row * k + column, minlength=k * k).reshape(k, k), row, column


def _agreement_weights(weights: Weights | ArrayLike | None, k: int) -> tuple[Floats, bool]:
    if weights is None or isinstance(weights, str):
        distance = np.abs(np.arange(k)[:, None] - np.arange(k)) / (k - 1)
        if weights is None or weights == "none":
            return np.eye(k), False
        if weights == "linear":
            return 1 - distance, True
        if weights == "quadratic":
            return 1 - distance**2, True
        raise ValueError(f"weights is {weights!r}, expected 'none', 'linear', 'quadratic' or a matrix")
    matrix = as_floats(weights, "weights", ndim=2)
    if matrix.shape == (k, k) and not np.diag(matrix).any() and matrix.min() >= 0 and matrix.any():
        return 1 - matrix / matrix.max(), True
    if matrix.shape != (k, k) or not np.allclose(np.diag(matrix), 1) or (matrix > 1).any():
        raise ValueError(
            f"weights must be ({k}, {k}) of agreement, 1 on the diagonal and at most 1 beside it, "
            "or of disagreement, 0 on the diagonal and 0 or more beside it"
        )
    return matrix, True
