"""Figures of merit of each reader under each treatment, and how they vary together over cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from overread.stats.arrays import Bools, Floats, Ints, as_floats
from overread.stats.bootstrap import resample_counts
from overread.stats.interval import Interval
from overread.stats.readers.study import ReaderStudy, check_cells

FigureOfMerit = Callable[[Bools, Floats], "float | Interval"]

METHODS = ("jackknife", "delong", "unbiased", "bootstrap")


@dataclass(frozen=True)
class FiguresOfMerit:
    """``estimates`` (treatments, readers), their ``covariance`` (treatments x readers, squared), ``cases``.

    Rows and columns of the matrix run over readers within treatments. ``cases`` is how many cases the
    figure of merit rests on: a sensitivity rests on the diseased alone.
    """

    estimates: Floats
    covariance: Floats
    cases: int


@dataclass(frozen=True)
class _ShareAt:
    """The share of one class that is called rightly at a threshold; ``bounds`` are those of its intervals."""

    threshold: float
    diseased: bool
    bounds: tuple[float, float] = (0.0, 1.0)

    @property
    def __name__(self) -> str:
        return f"{'sensitivity' if self.diseased else 'specificity'} at {self.threshold:g}"

    def __call__(self, y: Bools, score: Floats) -> float:
        return float(np.mean((score[y == self.diseased] >= self.threshold) == self.diseased))


def sensitivity_at(*, threshold: float) -> FigureOfMerit:
    """Figure of merit: the share of diseased cases that are rated ``threshold`` or more."""
    return _ShareAt(threshold, True)


def specificity_at(*, threshold: float) -> FigureOfMerit:
    """Figure of merit: the share of healthy cases that are rated below ``threshold``."""
    return _ShareAt(threshold, False)


def figures_of_merit(
    study: ReaderStudy,
    *,
    fom: FigureOfMerit | str = "auc",
    covariance: str = "jackknife",
    resamples: int = 2000,
    seed: int = 0,
) -> FiguresOfMerit:
    """Estimates of every reader under every treatment and their covariance matrix over cases.

    ``fom``, the figure of merit: ``auc`` (ties half) or any function of (truth, rating) of one reader under
    one treatment.
    ``covariance``: ``jackknife`` (Efron 1982), ``delong`` (Biometrics 1988;44:837), ``unbiased`` (from
    U-statistics; Gallas 2006) and ``bootstrap`` of cases within classes. DeLong and unbiased are of the
    AUC only. A class that the figure of merit does not use takes no part in the jackknife.

    Raises ValueError for an unknown method and for a reader without enough cases.
    """
    if covariance not in METHODS:
        raise ValueError(f"covariance is {covariance!r}, expected one of {', '.join(METHODS)}")
    if isinstance(fom, str) and fom != "auc":
        raise ValueError(f"fom is {fom!r}, expected 'auc' or a function of (truth, rating)")
    check_cells(study, least=1 if covariance == "bootstrap" else 2)
    cases = len(study.truth)
    if callable(fom):
        if covariance in ("delong", "unbiased"):
            raise ValueError(f"covariance {covariance!r} is of the AUC only; use 'jackknife' or 'bootstrap'")
        estimates = _apply(study, fom)
        if covariance == "bootstrap":
            return FiguresOfMerit(estimates, _bootstrap(study, fom, resamples, seed), cases)
        values = _used(study, estimates, _leave_one_out(study, fom, estimates))
        return FiguresOfMerit(estimates, jackknife_covariance(values), values.shape[2])
    positive, negative = _components(study)
    estimates = np.nanmean(positive, axis=2)
    if covariance == "jackknife":
        matrix = jackknife_covariance(_auc_leave_one_out(study, estimates, positive, negative))
    elif covariance == "delong":
        matrix = _class_covariance(positive) + _class_covariance(negative)
    elif covariance == "unbiased":
        matrix = _unbiased(study, estimates)
    else:
        matrix = _auc_bootstrap(study, resamples, seed)
    return FiguresOfMerit(estimates, matrix, cases)


def jackknife_covariance(leave_one_out: ArrayLike) -> Floats:
    """Covariance matrix (k, k) of k estimates from their values with each case left out.

    ``leave_one_out`` (treatments, readers, cases) or (k, cases): any figure of merit, such as the weighted
    AFROC area, computed without the case; a case that a reader did not read leaves the estimate as it is.
    """
    array = np.asarray(leave_one_out, dtype=np.float64)
    values = as_floats(array.reshape(-1, array.shape[-1]), "leave_one_out", ndim=2)
    n = values.shape[1]
    if n < 2:
        raise ValueError("leave_one_out has one case, expected two or more")
    deviation = values - values.mean(axis=1, keepdims=True)
    covariance: Floats = (n - 1) / n * deviation @ deviation.T
    return covariance


def success(study: ReaderStudy) -> Floats:
    """(treatments, readers, positives, negatives): 1, 0.5 (tie) or 0; 0 where either case was not read."""
    x = study.rating[:, :, study.truth, None]
    y = study.rating[:, :, None, ~study.truth]
    wins: Floats = (x > y) + 0.5 * (x == y)
    return wins


def _components(study: ReaderStudy) -> tuple[Floats, Floats]:
    """Each positive's share of negatives below it (t, r, m) and each negative's of positives above it."""
    positive = study.rating[:, :, study.truth].copy()
    negative = study.rating[:, :, ~study.truth].copy()
    for cell in np.ndindex(study.rating.shape[:2]):
        p, q = ~np.isnan(positive[cell]), ~np.isnan(negative[cell])
        x, y = positive[cell][p], negative[cell][q]
        ranks = rankdata(np.concatenate([x, y]))
        positive[cell][p] = (ranks[: len(x)] - rankdata(x)) / len(y)
        negative[cell][q] = 1 - (ranks[len(x) :] - rankdata(y)) / len(x)
    return positive, negative


def _auc_leave_one_out(study: ReaderStudy, estimates: Floats, positive: Floats, negative: Floats) -> Floats:
    values = np.repeat(estimates[:, :, None], len(study.truth), axis=2)
    for mask, parts in ((study.truth, positive), (~study.truth, negative)):
        size = np.sum(~np.isnan(parts), axis=2, keepdims=True)
        without = (size * estimates[:, :, None] - parts) / (size - 1)
        values[:, :, mask] = np.where(np.isnan(parts), estimates[:, :, None], without)
    return values


def _class_covariance(parts: Floats) -> Floats:
    """DeLong's share of the covariance from the cases of one class, over cases that both readers read."""
    flat = parts.reshape(-1, parts.shape[2])
    read = (~np.isnan(flat)).astype(np.float64)
    deviation = np.nan_to_num(flat - np.nanmean(flat, axis=1, keepdims=True))
    common, size = read @ read.T, read.sum(axis=1)
    share = np.divide(common, common - 1, out=np.zeros_like(common), where=common > 1)
    result: Floats = deviation @ deviation.T * share / np.outer(size, size)
    return result


def _unbiased(study: ReaderStudy, estimates: Floats) -> Floats:
    """Product of two areas less its mean over pairs of comparisons that share no case."""
    s = success(study).reshape(estimates.size, int(study.truth.sum()), -1)
    read = study.read.reshape(estimates.size, -1).astype(np.float64)
    p, q = read[:, study.truth], read[:, ~study.truth]
    m, n, mc, nc = p.sum(axis=1), q.sum(axis=1), p @ p.T, q @ q.T
    rows, columns, flat = s.sum(axis=2), s.sum(axis=1), s.reshape(estimates.size, -1)
    total = flat.sum(axis=1)
    disjoint = np.outer(total, total) - rows @ rows.T - columns @ columns.T + flat @ flat.T
    pairs = np.outer(m * n, m * n) - mc * np.outer(n, n) - nc * np.outer(m, m) + mc * nc
    area = estimates.ravel()
    covariance: Floats = np.outer(area, area) - disjoint / pairs
    return covariance


def _auc_bootstrap(study: ReaderStudy, resamples: int, seed: int) -> Floats:
    s = success(study).reshape(-1, int(study.truth.sum()), int((~study.truth).sum()))
    read = study.read.reshape(len(s), -1).astype(np.float64)
    p, q = read[:, study.truth], read[:, ~study.truth]
    replicates = []
    for counts in resample_counts(len(study.truth), resamples, seed, strata=study.truth.astype(np.int64)):
        w, v = counts[:, study.truth], counts[:, ~study.truth]
        pairs = (w @ p.T) * (v @ q.T)
        won = np.stack([np.einsum("bj,bj->b", w @ cell, v) for cell in s], axis=1)
        replicates.append(np.divide(won, pairs, out=np.full_like(won, np.nan), where=pairs > 0))
    return _replicate_covariance(np.concatenate(replicates))


def _bootstrap(study: ReaderStudy, fom: FigureOfMerit, resamples: int, seed: int) -> Floats:
    replicates = []
    for counts in resample_counts(len(study.truth), resamples, seed, strata=study.truth.astype(np.int64)):
        for row in counts.astype(np.int64):
            drawn = np.repeat(np.arange(len(row)), row)
            replicates.append(_apply(study, fom, drawn).ravel())
    return _replicate_covariance(np.array(replicates))


def _replicate_covariance(replicates: Floats) -> Floats:
    kept = replicates[np.isfinite(replicates).all(axis=1)]
    if len(kept) < max(2, len(replicates) / 2):
        raise ValueError(
            "most resamples lose all cases of a class for some reader; use covariance='jackknife'"
        )
    return np.atleast_2d(np.cov(kept, rowvar=False))


def _apply(study: ReaderStudy, fom: FigureOfMerit, drawn: Ints | None = None) -> Floats:
    cases = np.arange(len(study.truth)) if drawn is None else drawn
    rating, truth = study.rating[:, :, cases], study.truth[cases]
    result = np.empty(rating.shape[:2])
    for cell in np.ndindex(result.shape):
        read = ~np.isnan(rating[cell])
        result[cell] = _value(fom(truth[read], rating[cell][read]))
    return result


def _leave_one_out(study: ReaderStudy, fom: FigureOfMerit, estimates: Floats) -> Floats:
    values = np.repeat(estimates[:, :, None], len(study.truth), axis=2)
    for cell in np.ndindex(estimates.shape):
        read = np.flatnonzero(~np.isnan(study.rating[cell]))
        truth, rating = study.truth[read], study.rating[cell][read]
        for position, case in enumerate(read):
            kept = np.arange(len(read)) != position
            values[cell][case] = _value(fom(truth[kept], rating[kept]))
    return values


def _used(study: ReaderStudy, estimates: Floats, values: Floats) -> Floats:
    """Without the cases of a class that never change any estimate: the figure of merit ignores them."""
    moved = np.abs(values - estimates[:, :, None]).max(axis=(0, 1)) > 1e-12
    for keep in (study.truth, ~study.truth):
        if not moved[~keep].any() and moved[keep].any():
            return values[:, :, keep]
    return values


def _value(found: float | Interval) -> float:
    return float(found.estimate if isinstance(found, Interval) else found)
