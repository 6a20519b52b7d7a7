"""Areas of many resamples of the same scored cases, sorted once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from overread.stats.arrays import Bools, Floats, Ints, group_count
from overread.stats.bootstrap import resample_counts
from overread.stats.interval import Interval
from overread.stats.intervals import proportion_ci


class WeightedAuc:
    """AUC of many weightings of the same scored cases, sorted once; equal scores are grouped."""

    def __init__(self, labels: Bools, s: Floats) -> None:
        self.order = np.argsort(s, kind="stable")
        self.positive = labels[self.order]
        self.starts = np.append(0, np.flatnonzero(np.diff(s[self.order])) + 1)
        self.ties = len(self.starts) < len(s)

    def __call__(self, weights: Floats) -> Floats:
        """``weights`` (b, n); returns (b,), NaN where a class has no weight."""
        w = weights[:, self.order]
        pos, neg = w * self.positive, w * ~self.positive
        if self.ties:
            pos, neg = np.add.reduceat(pos, self.starts, axis=1), np.add.reduceat(neg, self.starts, axis=1)
        below = np.cumsum(neg, axis=1)
        total = pos.sum(axis=1) * below[:, -1]
        won = np.einsum("ij,ij->i", pos, below - neg / 2)
        areas: Floats = np.divide(won, total, out=np.full(len(w), np.nan), where=total > 0)
        return areas


def case_replicates(labels: Bools, scores: Floats, resamples: int, seed: int) -> Floats:
    """Areas (resamples, k) of ``scores`` (k, n) when cases are drawn with replacement within each class.

    The sum over drawn positives of the drawn negatives below them: negatives are counted and summed once
    in the order of their scores, and each drawn positive looks its sum up. Nothing is sorted again.
    """
    negatives, positives = scores[:, ~labels], scores[:, labels]
    m, n = positives.shape[1], negatives.shape[1]
    order = np.argsort(negatives, axis=1, kind="stable")
    ranked = np.take_along_axis(negatives, order, axis=1)
    pairs = list(zip(ranked, positives, strict=True))
    lower = [np.searchsorted(r, p, side="left") for r, p in pairs]
    upper = [np.searchsorted(r, p, side="right") for r, p in pairs]
    tied = [bool((a != b).any()) for a, b in zip(lower, upper, strict=True)]
    draw = _Draw(seed)
    sums = np.zeros(n + 1, dtype=np.int64)
    out = np.empty((resamples, len(scores)))
    for row in out:
        drawn = draw(m)
        counts = np.bincount(draw(n), minlength=n)
        for k in range(len(scores)):
            # With one score the draws may stand for its negatives in rank order: they are exchangeable.
            np.cumsum(counts if len(scores) == 1 else counts[order[k]], out=sums[1:])
            if tied[k]:
                row[k] = (sums.take(lower[k]) + sums.take(upper[k])).take(drawn).sum() / 2
            else:
                row[k] = sums.take(lower[k].take(drawn)).sum()
    areas: Floats = out / (m * n)
    return areas


class _Draw:
    """``n`` draws from 0 to n - 1, from 32 random bits each (Lemire, ACM Trans Model Comput Simul 2019;29:3).

    Without Lemire's rejection step, for speed: two probabilities differ by at most n / 2^32 of themselves,
    so that larger n are drawn in the ordinary way.
    """

    def __init__(self, seed: int) -> None:
        self.bits = np.random.PCG64(seed)
        self.generator = np.random.Generator(self.bits)

    def __call__(self, n: int) -> Ints:
        if n > 100_000:
            return self.generator.integers(0, n, n)
        raw: NDArray[np.uint64] = self.bits.random_raw((n + 1) // 2)
        scaled = raw.view(np.uint32)[:n].astype(np.uint64)
        scaled *= np.uint64(n)
        scaled >>= np.uint64(32)
        return scaled.view(np.int64)


def cluster_replicates(labels: Bools, scores: Floats, codes: Ints, resamples: int, seed: int) -> Floats:
    """Areas (resamples, k) of ``scores`` (k, n) when whole clusters are drawn.

    Clusters are drawn in strata by the classes that they hold, so that no resample loses a class.
    """
    strata = cluster_strata(labels, codes)
    weighted = [WeightedAuc(labels, s) for s in scores]
    blocks = resample_counts(len(strata), resamples, seed, strata=strata, rows_of_data=labels.size)
    return np.concatenate([np.column_stack([w(counts[:, codes]) for w in weighted]) for counts in blocks])


def curve_blocks(
    labels: Bools, s: Floats, codes: Ints | None, resamples: int, seed: int
) -> Iterator[tuple[Floats, Floats]]:
    """Blocks of false-positive and hit rates (b, m + 1) of the ROC curves of resamples.

    Cases are drawn within classes, clusters in strata by the classes that they hold.
    """
    order = np.argsort(-s, kind="stable")
    positive = labels[order]
    starts = np.append(0, np.flatnonzero(np.diff(s[order])) + 1)
    strata, units = labels.astype(np.int64), len(labels)
    if codes is not None:
        strata, units = cluster_strata(labels, codes), group_count(codes)
    for counts in resample_counts(units, resamples, seed, strata=strata, rows_of_data=len(labels)):
        w = (counts if codes is None else counts[:, codes])[:, order]
        rates = []
        for kind in (~positive, positive):
            grouped = np.add.reduceat(w * kind, starts, axis=1)
            total = np.cumsum(grouped, axis=1)
            rates.append(np.pad(total / total[:, -1:], ((0, 0), (1, 0))))
        yield rates[0], rates[1]


def certain_share(labels: Bools, codes: Ints | None, best: bool, confidence: float) -> Interval:
    """Wilson interval of a hit rate of 1 (or 0) in every positive case, or cluster with one.

    For curves on which no resample can differ, such as that of separated classes.
    """
    units = int(labels.sum()) if codes is None else len(np.unique(codes[labels]))
    return proportion_ci(units if best else 0, units, method="wilson", confidence=confidence)


def cluster_strata(labels: Bools, codes: Ints) -> Ints:
    """Of each cluster: 1, 2 or 3 for positives only, negatives only, or both."""
    positives, sizes = np.bincount(codes, labels), np.bincount(codes)
    if len(sizes) < 2:
        raise ValueError("one cluster has no interval; expected two or more")
    return (positives > 0).astype(np.int64) + 2 * (positives < sizes)
