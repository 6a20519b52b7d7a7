"""Distances between two samples of one number: Kolmogorov-Smirnov, Wasserstein, energy."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import kolmogi
from scipy.stats import ks_2samp

from overread.stats.arrays import Bools, Floats, Ints, as_floats, as_weights, check_confidence
from overread.stats.bootstrap import BLOCK_VALUES, limits
from overread.stats.drift.result import DriftTest, p_by_count
from overread.stats.interval import Interval


def ks(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    method: Literal["auto", "exact", "asymptotic", "permutation"] = "auto",
    reference_weights: ArrayLike | None = None,
    current_weights: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> DriftTest:
    """Two-sample Kolmogorov-Smirnov test: the largest gap between the distribution functions.

    ``auto``: exact up to 10,000 rows, else asymptotic (SciPy); ``permutation`` for ties and weights (weights
    use it always). The effect is the gap itself, 0 to 1, with limits that hold with at least the confidence:
    the gap less and plus the width of Kolmogorov's band for both distribution functions.

    Raises ValueError for NaN, empty data or a wrong shape.
    """
    pair = _Pair(reference, current, reference_weights, current_weights)
    if method not in ("auto", "exact", "asymptotic", "permutation"):
        raise ValueError(f"method is {method!r}, expected 'auto', 'exact', 'asymptotic' or 'permutation'")
    if method == "permutation" or pair.weighted:
        p_value, how = pair.permuted("ks", resamples, seed), "permutation"
    else:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", RuntimeWarning)
            how = "asymp" if method == "asymptotic" else method
            p_value = float(ks_2samp(pair.x, pair.y, method=how).pvalue)
        # SciPy falls back by itself, with a warning, where the exact sum overflows.
        large = how == "auto" and max(pair.sizes) > 10_000
        how = "asymptotic" if caught or large or how == "asymp" else "exact"
    return pair.result("Kolmogorov-Smirnov", pair.distance("ks"), p_value, pair.band(confidence), how)


def wasserstein(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    reference_weights: ArrayLike | None = None,
    current_weights: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> DriftTest:
    """Earth mover's distance of order 1, in the unit of the data, with a permutation test.

    The effect is the distance in standard deviations of the reference (the plain distance, and a note, where
    the reference is constant). Limits: percentile bootstrap, and 0 from below where the test does not reject.
    """
    pair = _Pair(reference, current, reference_weights, current_weights)
    distance, sd = pair.distance("wasserstein"), pair.reference_sd()
    unit, note = (sd, "") if sd > 0 else (1.0, "reference is constant: the effect is the plain distance")
    name = "distance over reference sd, percentile bootstrap"
    p_value = pair.permuted("wasserstein", resamples, seed)
    effect = pair.interval("wasserstein", unit, p_value, confidence, resamples, seed, name)
    return pair.result("Wasserstein", distance, p_value, effect, "permutation", note=note)


def energy(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    reference_weights: ArrayLike | None = None,
    current_weights: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> DriftTest:
    """Energy distance (Szekely and Rizzo, J Stat Plan Inference 2013;143:1249), with a permutation test.

    ``statistic`` is sqrt(2 integral (F - G)^2), as SciPy's. The effect is the energy coefficient: the squared
    distance over twice the mean distance between a row of one sample and a row of the other, 0 to 1; limits
    as in ``wasserstein``.
    """
    pair = _Pair(reference, current, reference_weights, current_weights)
    distance, across = pair.distance("energy"), pair.mean_across()
    p_value = pair.permuted("energy", resamples, seed)
    name = "energy coefficient, percentile bootstrap"
    if across == 0:
        effect = Interval(0.0, 0.0, 0.0, confidence, "all values equal", sum(pair.sizes))
    else:
        effect = pair.interval("energy", 2 * across, p_value, confidence, resamples, seed, name, largest=1.0)
    return pair.result("energy distance", distance, p_value, effect, "permutation")


class _Pair:
    """Both samples pooled and sorted once: every distance is then a sum over the gaps of the values."""

    def __init__(
        self, reference: ArrayLike, current: ArrayLike, wr: ArrayLike | None, wc: ArrayLike | None
    ) -> None:
        self.x, self.y = as_floats(reference, "reference"), as_floats(current, "current")
        self.sizes = (len(self.x), len(self.y))
        self.weighted = wr is not None or wc is not None
        parts = [
            as_weights(w, n, name)
            for w, n, name in zip((wr, wc), self.sizes, ("reference_weights", "current_weights"), strict=True)
        ]
        pooled = np.concatenate([self.x, self.y])
        weights = np.concatenate(
            [np.ones(n) if w is None else w for w, n in zip(parts, self.sizes, strict=True)]
        )
        self.order: Ints = np.argsort(pooled, kind="stable").astype(np.int64)
        self.values = pooled[self.order]
        self.weights = weights[self.order]
        self.member: Bools = (np.arange(len(pooled)) < self.sizes[0])[self.order]
        self.gaps = np.diff(self.values)
        self.scale = float(self.values[-1] - self.values[0])

    def distance(self, kind: str) -> float:
        found = self._distances(kind, (self.member * self.weights)[None], (~self.member * self.weights)[None])
        value = float(found[0])
        return float(np.sqrt(value)) if kind == "energy" else value

    def reference_sd(self) -> float:
        w = self.weights * self.member
        mean = float(w @ self.values / w.sum())
        return float(np.sqrt(w @ (self.values - mean) ** 2 / w.sum()))

    def mean_across(self) -> float:
        """Mean absolute difference between a reference and a current row."""
        f, g = (
            self._cumulative((self.member * self.weights)[None]),
            self._cumulative((~self.member * self.weights)[None]),
        )
        return float((f * (1 - g) + g * (1 - f))[0, :-1] @ self.gaps)

    def permuted(self, kind: str, permutations: int, seed: int) -> float:
        """p-value over random relabellings; a row keeps its weight."""
        observed = self._distances(
            kind, (self.member * self.weights)[None], (~self.member * self.weights)[None]
        )[0]
        generator, found = np.random.default_rng(seed), []
        for rows in _blocks(permutations, len(self.values)):
            labels = generator.permuted(np.broadcast_to(self.member, (rows, len(self.member))), axis=1)
            found.append(self._distances(kind, labels * self.weights, ~labels * self.weights))
        return p_by_count(float(observed), np.concatenate(found))

    def interval(
        self,
        kind: str,
        unit: float,
        p_value: float,
        confidence: float,
        resamples: int,
        seed: int,
        name: str,
        *,
        largest: float = np.inf,
    ) -> Interval:
        """Bootstrap of the distance over ``unit`` (the energy's square), both samples resampled.

        Resampled distances lie above 0 even where nothing differs; there the test decides whether 0 belongs.
        """
        check_confidence(confidence)
        estimate = self.distance(kind) ** (2 if kind == "energy" else 1) / unit
        n, generator, found = sum(self.sizes), np.random.default_rng(seed), []
        if min(self.sizes) < 2:
            bound = largest if np.isfinite(largest) else np.inf
            return Interval(estimate, 0.0, bound, confidence, "one row: any distance is possible", n)
        where = [np.flatnonzero(self.member), np.flatnonzero(~self.member)]
        for rows in _blocks(resamples, n):
            counts = np.zeros((rows, n))
            for side in where:
                draws = (
                    generator.integers(0, len(side), (rows, len(side))) + len(side) * np.arange(rows)[:, None]
                )
                counts[:, side] = np.bincount(draws.ravel(), minlength=rows * len(side)).reshape(rows, -1)
            counts *= self.weights
            found.append(self._distances(kind, counts * self.member, counts * ~self.member) / unit)
        made = limits(
            estimate, np.concatenate(found), method="percentile", confidence=confidence, n=n, name=name
        )
        low = 0.0 if p_value > 1 - confidence else min(made.low, estimate)
        return Interval(estimate, low, min(max(made.high, estimate), largest), confidence, name, n)

    def band(self, confidence: float) -> Interval:
        """Largest gap, give or take the asymptotic Kolmogorov quantile of two samples."""
        check_confidence(confidence)
        w = self.weights
        sizes = [w[side].sum() ** 2 / (w[side] ** 2).sum() for side in (self.member, ~self.member)]
        half = float(kolmogi(1 - confidence) * np.sqrt(1 / sizes[0] + 1 / sizes[1]))
        gap, name = self.distance("ks"), "largest gap, Kolmogorov's band"
        return Interval(gap, max(0.0, gap - half), min(1.0, gap + half), confidence, name, sum(self.sizes))

    def result(
        self, name: str, statistic: float, p_value: float, effect: Interval, how: str, *, note: str = ""
    ) -> DriftTest:
        if min(self.sizes) < 20:
            few = f"only {min(self.sizes)} rows in a sample: only a gross change could show"
            note = f"{note}; {few}" if note else few
        return DriftTest(name, statistic, p_value, effect, *self.sizes, how, note)

    def _distances(self, kind: str, reference: Floats, current: Floats) -> Floats:
        gap = np.abs(self._cumulative(reference) - self._cumulative(current))
        if kind == "ks":
            # Within equal values only the last one has the whole jump behind it.
            ends = np.append(self.gaps > 0, True)
            return np.asarray(gap[:, ends].max(axis=1))
        if kind == "wasserstein":
            return np.asarray(gap[:, :-1] @ self.gaps)
        return np.asarray(2 * (gap[:, :-1] ** 2 @ self.gaps))

    @staticmethod
    def _cumulative(weights: Floats) -> Floats:
        total = np.cumsum(weights, axis=1)
        return np.asarray(total / total[:, -1:])


def _blocks(rows: int, width: int) -> Iterator[int]:
    if rows < 1:
        raise ValueError(f"resamples is {rows}, expected 1 or more")
    size = max(1, BLOCK_VALUES // width)
    for start in range(0, rows, size):
        yield min(size, rows - start)
