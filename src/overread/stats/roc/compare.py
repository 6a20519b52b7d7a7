"""Areas under ROC curves compared: two of the same or of different cases, or any contrast of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtr, ndtri, stdtr, stdtrit

from overread.stats.arrays import (
    Bools,
    Floats,
    Ints,
    as_columns,
    as_floats,
    as_groups,
    check_confidence,
    same_length,
    unit_count,
)
from overread.stats.bootstrap import resampling_name
from overread.stats.interval import Interval
from overread.stats.roc.curve import checked
from overread.stats.roc.limits import area_limits
from overread.stats.roc.placements import Areas, areas
from overread.stats.roc.resample import case_replicates, cluster_replicates

Alternative = Literal["two-sided", "greater", "less"]


@dataclass(frozen=True)
class AucComparison:
    """Two areas, their difference (first minus second), and the test that it is ``margin`` (usually 0).

    ``statistic`` is z, or t with ``df`` degrees of freedom. ``correlation`` is that of the two areas' errors
    (0 for different cases).
    """

    auc1: Interval
    auc2: Interval
    difference: Interval
    standard_error: float
    statistic: float
    p_value: float
    method: str
    correlation: float = 0.0
    df: float | None = None


@dataclass(frozen=True)
class ContrastRow:
    """One row of a contrast: its coefficients, its value with interval, and its own chi-square test."""

    coefficients: tuple[float, ...]
    estimate: Interval
    standard_error: float
    statistic: float
    p_value: float


@dataclass(frozen=True)
class RocContrast:
    """Areas of k curves of the same cases and the joint chi-square test of a contrast of them."""

    names: tuple[str, ...]
    areas: tuple[Interval, ...]
    standard_errors: tuple[float, ...]
    covariance: Floats
    rows: tuple[ContrastRow, ...]
    statistic: float
    df: int
    p_value: float
    method: str


def delong_test(
    y: ArrayLike,
    score1: ArrayLike,
    score2: ArrayLike,
    *,
    y2: ArrayLike | None = None,
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
    cluster: ArrayLike | None = None,
    method: Literal["delong", "bootstrap"] = "delong",
    margin: float = 0.0,
    resamples: int = 2000,
    seed: int = 0,
) -> AucComparison:
    """Test that two areas are equal, with an interval of their difference (first minus second).

    Paired, both scores (n,) of the same cases ``y`` (n,): DeLong, DeLong and Clarke-Pearson (Biometrics
    1988;44:837), normal; with ``cluster`` (n,) Obuchowski's covariance (Biometrics 1997;53:567).
    Unpaired, ``score2`` (m,) of other cases ``y2`` (m,): the variances add, and the statistic is referred to
    t with Satterthwaite's degrees of freedom. ``bootstrap``: the difference over its bootstrap standard
    deviation is referred to the normal distribution; limits are percentiles.

    ``alternative`` ``greater`` says that the first area is the larger by more than ``margin``: with a
    negative ``margin`` this is a test of non-inferiority. The interval stays two-sided.

    Raises ValueError as ``auc`` does, and where the difference has no variance (two cases of each class are
    needed; scores that rank all cases alike differ by nothing).
    """
    check_confidence(confidence)
    labels, first = checked(y, score1, "score1")
    codes = as_groups(cluster, len(labels))
    if y2 is not None:
        if codes is not None:
            raise ValueError("cluster fits the paired test only; leave y2 out")
        other, second = checked(y2, score2, "score2")
        groups = [(labels, first[None]), (other, second[None])]
        estimates = [areas(kind, s) for kind, s in groups]
    else:
        labels, second = checked(y, score2, "score2")
        groups = [(labels, np.array([first, second]))]
        estimates = [areas(*groups[0], codes=codes)]
    area = np.concatenate([e.area for e in estimates])
    variance = np.concatenate([np.diag(e.covariance) for e in estimates])
    covariance = float(estimates[0].covariance[0, 1]) if y2 is None else 0.0
    difference = float(area[0] - area[1])
    sizes = [len(kind) for kind, _ in groups]
    units = unit_count(codes, sum(sizes))
    df: float | None = None
    if method == "bootstrap":
        replicates = _replicates(groups, codes, resamples, seed)
        spread = replicates[:, 0] - replicates[:, 1]
        error = float(spread.std(ddof=1))
        low, high = (float(q) for q in np.quantile(spread, [0.5 - confidence / 2, 0.5 + confidence / 2]))
        name = resampling_name(codes, within_classes=True)
    elif method == "delong":
        error = float(np.sqrt(max(0.0, variance.sum() - 2 * covariance)))
        if y2 is not None:
            parts = variance**2 / (np.array(sizes) - 1)
            df = float(variance.sum() ** 2 / parts.sum()) if parts.sum() > 0 else float("nan")
        quantile = float(ndtri(0.5 + confidence / 2) if df is None else stdtrit(df, 0.5 + confidence / 2))
        low, high = difference - quantile * error, difference + quantile * error
        name = "Obuchowski, paired" if codes is not None else "DeLong, paired"
        name = name if df is None else "DeLong, unpaired"
    else:
        raise ValueError(f"method is {method!r}, expected 'delong' or 'bootstrap'")
    if not error > 1e-12:
        if not (np.isfinite(variance).all() and difference == margin == 0):
            raise ValueError("the difference of the areas has no variance here; no test exists")
        statistic = 0.0
        low = high = difference
    else:
        statistic = (difference - margin) / error
    author = "DeLong" if codes is None else "Obuchowski"
    twice = zip(area, variance, estimates * (3 - len(estimates)), sizes * (3 - len(sizes)), strict=True)
    single = [
        area_limits(
            float(a), float(v), e.positives, e.negatives, confidence, "logit", author, min(units, size)
        )
        for a, v, e, size in twice
    ]
    return AucComparison(
        single[0],
        single[1],
        Interval(difference, max(-1.0, low), min(1.0, high), confidence, name, units),
        error,
        statistic,
        _p_value(statistic, df, alternative),
        name,
        float(covariance / np.sqrt(variance.prod())) if variance.prod() > 0 else 0.0,
        df,
    )


def roc_contrast(
    y: ArrayLike,
    scores: ArrayLike | Mapping[str, ArrayLike],
    *,
    contrast: ArrayLike | None = None,
    reference: int | str = 0,
    confidence: float = 0.95,
    cluster: ArrayLike | None = None,
    names: Sequence[str] | None = None,
) -> RocContrast:
    """Compare k areas of the same cases by a contrast, as ROCCONTRAST of the SAS procedure LOGISTIC does.

    DeLong, DeLong and Clarke-Pearson, Biometrics 1988;44:837: with areas A, covariance S and contrast L, the
    statistic (LA)'(LSL')^-1(LA) has a chi-square distribution with rank(L) degrees of freedom. Covariance
    of all curves in one pass; with ``cluster`` (n,) Obuchowski's (Biometrics 1997;53:567). Each row also has
    its value with a normal interval and its own test of one degree.

    Parameters
    ----------
    scores
        (n, k), one column per curve, or scores (n,) by name in a mapping or a data frame.
    contrast
        (r, k) or (k,); None compares every other curve with ``reference`` (its index or name).

    Raises ValueError for a contrast of the wrong width or of zeros, an unknown reference, fewer than two
    curves, and as ``auc`` does.
    """
    check_confidence(confidence)
    labels, matrix, labelled = _columns(y, scores, names)
    k = len(matrix)
    codes = as_groups(cluster, len(labels))
    found = areas(labels, matrix, codes=codes)
    if not np.isfinite(found.covariance).all():
        raise ValueError("a contrast needs two or more cases (clusters) of each class")
    rows = _contrast_rows(contrast, reference, k, labelled)
    values, spread = rows @ found.area, rows @ found.covariance @ rows.T
    scale = np.abs(rows) @ np.sqrt(np.diag(found.covariance))
    # Scores that rank all cases alike differ by exactly nothing: rounding must not become a test.
    df = int(np.linalg.matrix_rank(spread, tol=1e-12 * max(1e-300, float(scale.max() ** 2)), hermitian=True))
    if df == 0:
        raise ValueError("the contrast has no variance: the curves rank all cases alike")
    statistic = float(values @ np.linalg.pinv(spread, rcond=1e-10, hermitian=True) @ values)
    n = unit_count(codes, len(labels))
    errors = np.sqrt(np.diag(found.covariance))
    name = "DeLong" if codes is None else "Obuchowski"
    return RocContrast(
        labelled,
        _areas_plain(found, confidence, name, n),
        tuple(float(e) for e in errors),
        found.covariance,
        tuple(
            _row(row, float(value), float(np.sqrt(max(0.0, v))), confidence, name, n)
            for row, value, v in zip(rows, values, np.diag(spread), strict=True)
        ),
        statistic,
        df,
        float(chdtrc(df, statistic)),
        f"{name}, chi-square",
    )


def _areas_plain(found: Areas, confidence: float, name: str, n: int) -> tuple[Interval, ...]:
    return tuple(
        area_limits(float(a), float(v), found.positives, found.negatives, confidence, "plain", name, n)
        for a, v in zip(found.area, np.diag(found.covariance), strict=True)
    )


def _row(row: Floats, value: float, error: float, confidence: float, name: str, n: int) -> ContrastRow:
    half = float(ndtri(0.5 + confidence / 2)) * error
    statistic = (value / error) ** 2 if error > 1e-12 else 0.0
    interval = Interval(value, value - half, value + half, confidence, name, n)
    coefficients = tuple(float(c) for c in row)
    return ContrastRow(coefficients, interval, error, statistic, float(chdtrc(1, statistic)))


def _columns(
    y: ArrayLike, scores: ArrayLike | Mapping[str, ArrayLike], names: Sequence[str] | None
) -> tuple[Bools, Floats, tuple[str, ...]]:
    columns = as_columns(scores)
    if columns is not None:
        names = list(columns) if names is None else names
        matrix = np.array([checked(y, column, name)[1] for name, column in columns.items()])
    else:
        matrix = as_floats(cast(ArrayLike, scores), "scores", ndim=2).T
        names = [f"score{i + 1}" for i in range(len(matrix))] if names is None else names
    if len(matrix) < 2 or len(names) != len(matrix):
        raise ValueError(
            f"scores has {len(matrix)} columns and {len(names)} names, expected two or more of each"
        )
    labels = checked(y, matrix[0], "scores")[0]
    same_length(len(labels), matrix.T, "scores")
    return labels, matrix, tuple(names)


def _contrast_rows(
    contrast: ArrayLike | None, reference: int | str, k: int, names: tuple[str, ...]
) -> Floats:
    if contrast is None:
        if isinstance(reference, str):
            if reference not in names:
                raise ValueError(f"reference is {reference!r}, expected one of {', '.join(names)}")
            reference = names.index(reference)
        if not -k <= reference < k:
            raise ValueError(f"reference is {reference}, expected an index below {k}")
        rows = np.eye(k)
        rows[:, reference] -= 1
        return np.delete(rows, reference, axis=0)
    rows = np.atleast_2d(np.asarray(contrast, dtype=np.float64))
    if rows.ndim != 2 or rows.shape[1] != k:
        raise ValueError(
            f"contrast has shape {rows.shape}, expected (rows, {k}): a coefficient for each curve"
        )
    if not np.isfinite(rows).all() or not rows.any(axis=1).all():
        raise ValueError("contrast holds a row of zeros, NaN or infinite values")
    return rows


def _replicates(
    groups: Sequence[tuple[Bools, Floats]], codes: Ints | None, resamples: int, seed: int
) -> Floats:
    if codes is not None:
        labels, scores = groups[0]
        return cluster_replicates(labels, scores, codes, resamples, seed)
    return np.column_stack([case_replicates(*group, resamples, seed + i) for i, group in enumerate(groups)])


def _p_value(statistic: float, df: float | None, alternative: Alternative) -> float:
    if alternative not in ("two-sided", "greater", "less"):
        raise ValueError(f"alternative is {alternative!r}, expected 'two-sided', 'greater' or 'less'")
    lower = float(ndtr(statistic) if df is None else stdtr(df, statistic))
    upper = float(ndtr(-statistic) if df is None else stdtr(df, -statistic))
    return {"two-sided": min(1.0, 2 * min(lower, upper)), "greater": upper, "less": lower}[alternative]
