"""Areas under ROC curves and their covariance from placement values, for independent or clustered cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from overread.stats.arrays import Bools, Floats, Ints, group_count


@dataclass(frozen=True)
class Areas:
    """Areas (k,) of k scores of the same cases, their covariance (k, k), and the units of each class.

    ``positives`` and ``negatives`` count the independent units (cases, or clusters) that hold a case of the
    class, as an effective number where cases are weighted. The covariance is NaN with fewer than two units
    of a class.
    """

    area: Floats
    covariance: Floats
    positives: float
    negatives: float


def placements(labels: Bools, s: Floats, *, weights: Floats | None = None) -> tuple[float, Floats]:
    """Area, and placement values (n,): of each case, the weighted share of the other class that it beats.

    A positive beats the negatives that score below it, a negative the positives above it; ties count half.
    One sort serves every case (Sun and Xu, IEEE Signal Process Lett 2014;21:1389).
    """
    order = np.argsort(s)
    ranked, positive = s[order], labels[order]
    new = ranked[1:] != ranked[:-1]
    values = np.empty(len(s))
    if weights is None and new.all():
        # Without ties a case's rank among all, less that among its own class, counts those of the other below.
        hits, misses = np.flatnonzero(positive), np.flatnonzero(~positive)
        m, n = len(hits), len(misses)
        won = (hits - np.arange(m)) / n
        values[order[hits]] = won
        values[order[misses]] = 1 - (misses - np.arange(n)) / m
        return float(won.mean()), values
    starts = np.flatnonzero(np.append(True, new))
    w = np.ones(len(s)) if weights is None else weights[order]
    above, below = np.add.reduceat(w * positive, starts), np.add.reduceat(w * ~positive, starts)
    won_by_positive = (np.cumsum(below) - below / 2) / below.sum()
    won_by_negative = 1 - (np.cumsum(above) - above / 2) / above.sum()
    group = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(s))))
    values[order] = np.where(positive, won_by_positive[group], won_by_negative[group])
    area = float((above * won_by_positive).sum() / above.sum())
    return min(1.0, max(0.0, area)), values


def areas(
    labels: Bools, scores: Floats, *, codes: Ints | None = None, weights: Floats | None = None
) -> Areas:
    """Areas of ``scores`` (k, n) and their covariance.

    DeLong, DeLong and Clarke-Pearson (Biometrics 1988;44:837); with ``codes`` (n,), the cluster of each
    case, Obuchowski (Biometrics 1997;53:567), which is the same where every cluster is one case. Weights
    enter as in a linearised (sandwich) variance.
    """
    found = [placements(labels, s, weights=weights) for s in scores]
    area = np.array([a for a, _ in found])
    w = np.ones(len(labels)) if weights is None else weights
    residuals = w * (np.array([v for _, v in found]) - area[:, None])
    positives, negatives = _units(labels, codes, weights), _units(~labels, codes, weights)
    if min(positives, negatives) < 2:
        return Areas(area, np.full((len(area), len(area)), np.nan), positives, negatives)
    of_positives = residuals[:, labels] / w[labels].sum()
    of_negatives = residuals[:, ~labels] / w[~labels].sum()
    if codes is None:
        m, n = int(labels.sum()), int((~labels).sum())
        covariance = m / (m - 1) * of_positives @ of_positives.T
        covariance += n / (n - 1) * of_negatives @ of_negatives.T
        return Areas(area, covariance, positives, negatives)
    units = group_count(codes)
    first = np.array([np.bincount(codes[labels], row, units) for row in of_positives])
    second = np.array([np.bincount(codes[~labels], row, units) for row in of_negatives])
    m, n = (len(np.unique(codes[kind])) for kind in (labels, ~labels))
    cross = first @ second.T
    covariance = m / (m - 1) * first @ first.T + n / (n - 1) * second @ second.T
    covariance += units / (units - 1) * (cross + cross.T)
    return Areas(area, covariance, positives, negatives)


def _units(kind: Bools, codes: Ints | None, weights: Floats | None) -> float:
    """Units of a class; weighted ones by Kish's effective number, (sum w)^2 / sum w^2."""
    if weights is None:
        return float(kind.sum() if codes is None else len(np.unique(codes[kind])))
    w = weights[kind] if codes is None else np.bincount(codes[kind], weights[kind])
    return float(w.sum() ** 2 / (w**2).sum())
