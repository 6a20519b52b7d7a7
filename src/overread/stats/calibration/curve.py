"""Reliability curve: observed frequency beside predicted probability, by bins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Floats, Ints, check_confidence
from overread.stats.bootstrap import BLOCK_VALUES
from overread.stats.calibration.inputs import Binning, bin_edges, bin_of, binary
from overread.stats.interval import Interval
from overread.stats.intervals import proportion_ci


@dataclass(frozen=True)
class ReliabilityBin:
    """Cases with a probability in (low, high]: how many, their mean probability, the observed frequency.

    ``consistency``, where asked for, is the range of observed frequencies that well calibrated probabilities
    would give in this bin; an observed frequency outside it speaks against calibration.
    """

    low: float
    high: float
    n: int
    mean_predicted: float
    observed: Interval
    consistency: Interval | None = None


def reliability_curve(
    y: ArrayLike,
    p: ArrayLike,
    *,
    bins: int = 10,
    binning: Binning = "equal-width",
    confidence: float = 0.95,
    consistency: bool = False,
    resamples: int = 2000,
    seed: int = 0,
) -> list[ReliabilityBin]:
    """Observed frequency of class 1 by bin of probability, with Wilson limits; empty bins are left out.

    ``y`` (n,) in {0, 1}, ``p`` (n,). ``equal-width``: bins (low, high] of one width, 0 in the first.
    ``equal-mass``: edges at quantiles of ``p``; equal edges are merged. ``quantile``: as for ``ece``.

    ``consistency`` adds to each bin the range of frequencies of outcomes that are drawn from the
    probabilities themselves (Bröcker and Smith, Weather Forecast 2007;22:651, with the cases held fixed).
    """
    check_confidence(confidence)
    labels, probability = binary(y, p)
    edges = bin_edges(probability, bins, binning)
    index = bin_of(probability, edges, binning)
    curve = []
    drawn = _consistent(probability, index, len(edges) - 1, resamples, seed) if consistency else None
    levels = [0.5 - confidence / 2, 0.5 + confidence / 2]
    for k in range(len(edges) - 1):
        inside = index == k
        if inside.any():
            n = int(inside.sum())
            observed = proportion_ci(int(labels[inside].sum()), n, method="wilson", confidence=confidence)
            mean = float(probability[inside].mean())
            band = None
            if drawn is not None:
                low, high = np.quantile(drawn[:, k] / n, levels, method="inverted_cdf")
                name = "drawn from the probabilities"
                band = Interval(mean, min(float(low), mean), max(float(high), mean), confidence, name, n)
            curve.append(ReliabilityBin(float(edges[k]), float(edges[k + 1]), n, mean, observed, band))
    return curve


def _consistent(p: Floats, index: Ints, bins: int, resamples: int, seed: int) -> Floats:
    """Events (resamples, bins) of outcomes that are drawn from the probabilities."""
    generator = np.random.default_rng(seed)
    member = np.zeros((len(p), bins))
    member[np.flatnonzero(index >= 0), index[index >= 0]] = 1
    block = max(1, BLOCK_VALUES // len(p))
    sizes = [min(block, resamples - start) for start in range(0, resamples, block)]
    return np.concatenate(
        [(generator.random((rows, len(p))) < p).astype(np.float64) @ member for rows in sizes]
    )
