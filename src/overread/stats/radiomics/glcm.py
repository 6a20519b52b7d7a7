"""Grey level co-occurrence: which levels lie beside which (IBSI reference manual 3.6; Haralick 1973)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from overread.stats.arrays import Floats, Ints
from overread.stats.radiomics.levels import directions, entropy, shifted


def glcm(levels: Ints) -> dict[str, float]:
    """Features of the symmetric matrix of each direction at distance 1, averaged over the directions.

    ``levels (*spatial)``: from 1 on, 0 outside. Directions without a pair are left out; without any, NaN.
    """
    count = int(levels.max())
    found = [_features(m / m.sum()) for m in matrices(levels, count) if m.sum()]
    if not found:
        return dict.fromkeys(_features(np.ones((1, 1))), float("nan"))
    return {key: float(np.mean([one[key] for one in found])) for key in found[0]}


def matrices(levels: Ints, count: int) -> list[Floats]:
    """Of each direction ``(count, count)``: how many pairs of neighbours have these levels, both ways."""
    out = []
    for offset in directions(levels.ndim):
        here, there = shifted(levels.shape, offset)
        a, b = levels[here].ravel(), levels[there].ravel()
        both = (a > 0) & (b > 0)
        pairs = np.bincount((a[both] - 1) * count + b[both] - 1, minlength=count**2).reshape(count, count)
        out.append((pairs + pairs.T).astype(np.float64))
    return out


@lru_cache(maxsize=8)
def _grid(count: int) -> tuple[Floats, Floats]:
    i, j = np.meshgrid(np.arange(1.0, count + 1), np.arange(1.0, count + 1), indexing="ij")
    return i, j


def _features(p: Floats) -> dict[str, float]:
    count = len(p)
    i, j = _grid(count)
    apart, both = np.abs(i - j), i + j
    margin = p.sum(axis=1)
    level = np.arange(1.0, count + 1)
    mean = float(level @ margin)
    variance = float(margin @ (level - mean) ** 2)
    difference = np.bincount(apart.astype(int).ravel(), p.ravel(), minlength=count).astype(np.float64)
    total = np.bincount(both.astype(int).ravel(), p.ravel()).astype(np.float64)
    steps = np.arange(len(difference))
    average = float(steps @ difference)
    product = np.outer(margin, margin)
    some = product > 0
    cross = -float((p[some] * np.log2(product[some])).sum())
    independent = entropy(product.ravel())
    joint, single = entropy(p.ravel()), entropy(margin)
    tendency = both - 2 * mean
    off = apart > 0
    return {
        "autocorrelation": float((p * i * j).sum()),
        "joint_average": mean,
        "joint_variance": variance,
        "joint_energy": float((p**2).sum()),
        "joint_entropy": joint,
        "maximum_probability": float(p.max()),
        "contrast": float((p * apart**2).sum()),
        "correlation": float(((p * i * j).sum() - mean**2) / variance) if variance > 1e-12 else 1.0,
        "cluster_tendency": float((p * tendency**2).sum()),
        "cluster_shade": float((p * tendency**3).sum()),
        "cluster_prominence": float((p * tendency**4).sum()),
        "difference_average": average,
        "difference_variance": float(difference @ (steps - average) ** 2),
        "difference_entropy": entropy(difference),
        "sum_average": float(np.arange(len(total)) @ total),
        "sum_entropy": entropy(total),
        "inverse_difference": float((p / (1 + apart)).sum()),
        "inverse_difference_normalised": float((p / (1 + apart / count)).sum()),
        "inverse_difference_moment": float((p / (1 + apart**2)).sum()),
        "inverse_difference_moment_normalised": float((p / (1 + (apart / count) ** 2)).sum()),
        "inverse_variance": float((p[off] / apart[off] ** 2).sum()),
        "information_correlation_1": (joint - cross) / single if single else 0.0,
        "information_correlation_2": float(np.sqrt(max(0.0, 1 - np.exp(-2 * (independent - joint))))),
        "maximal_correlation": _maximal_correlation(p, margin),
    }


def _maximal_correlation(p: Floats, margin: Floats) -> float:
    """The root of the second largest eigenvalue of Q(i, j) = sum over k of p(i, k) p(j, k) / (p(i) p(k))."""
    held = margin > 0
    if held.sum() < 2:
        return 1.0
    # Q has the eigenvalues of the square of this symmetric matrix.
    scaled = p[np.ix_(held, held)] / np.sqrt(np.outer(margin[held], margin[held]))
    return float(np.sort(np.abs(np.linalg.eigvalsh(scaled)))[-2])
