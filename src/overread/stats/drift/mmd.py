"""Maximum mean discrepancy of two samples of feature vectors, with a permutation test."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from overread.stats.arrays import Floats, as_floats, check_confidence
from overread.stats.drift.result import DriftTest, p_by_count
from overread.stats.interval import Interval

BLOCK = 1024
MEDIAN_ROWS = 1000


def mmd(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    sigma: float | None = None,
    biased: bool = False,
    permutations: int = 500,
    confidence: float = 0.95,
    seed: int = 0,
) -> DriftTest:
    """Squared maximum mean discrepancy with kernel exp(-d^2 / (2 sigma^2)) (Gretton et al., JMLR 2012;13:723).

    Parameters
    ----------
    reference, current
        (n, d) and (m, d) features, or (n,) and (m,) of one feature. Scale features alike first: the kernel
        takes their plain Euclidean distance.
    sigma
        Width of the kernel; None takes the median distance in the pooled sample (of at most 1,000 rows).
    biased
        The V-statistic, 0 or more; else the U-statistic, whose mean is 0 where nothing differs.
    permutations
        The kernel is computed once; all relabellings together are one matrix product with it, block by
        block, so that memory stays small. 0 leaves the p-value out (1.0, and the method says so).

    The effect is the unbiased estimate (it can fall below 0) with normal limits on the square-root scale, from
    its variance of first and second order.

    Raises ValueError for NaN, different numbers of features, or fewer than two rows in a sample (unbiased).
    """
    check_confidence(confidence)
    x, y = (_rows(v, name) for v, name in ((reference, "reference"), (current, "current")))
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"current has {y.shape[1]} features, expected {x.shape[1]}")
    n, m = len(x), len(y)
    if min(n, m) < 2 and not biased:
        raise ValueError(f"{n} and {m} rows; the unbiased estimate needs two or more in each sample")
    if permutations < 0:
        raise ValueError(f"permutations is {permutations}, expected 0 or more")
    pooled = np.concatenate([x, y])
    width = median_distance(pooled, seed=seed) if sigma is None else float(sigma)
    if not (np.isfinite(width) and width > 0):
        raise ValueError(f"sigma is {sigma}, expected a number above 0")
    members = _memberships(n, m, permutations, seed)
    sums, rows, squares = _kernel_sums(pooled, members, width)
    values = _estimates(sums, rows, members, n, m, biased)
    unbiased = (
        values if not biased else _estimates(sums, rows, members, n, m, False) if min(n, m) > 1 else None
    )
    p_value = p_by_count(float(values[0]), values[1:]) if permutations else 1.0
    effect = _effect(unbiased, sums, rows, squares, n, m, confidence)
    how = f"permutation of {permutations} relabellings" if permutations else "no test asked for"
    kind = "biased" if biased else "unbiased"
    return DriftTest(
        f"squared maximum mean discrepancy, {kind}, sigma {width:.6g}",
        float(values[0]),
        p_value,
        effect,
        n,
        m,
        how,
        f"only {min(n, m)} rows in a sample: only a gross change could show" if min(n, m) < 20 else "",
    )


def median_distance(rows: ArrayLike, *, seed: int = 0) -> float:
    """Median Euclidean distance between different rows (at most 1,000 of them, drawn by ``seed``).

    1.0 where more than half of the distances are 0 and no median above 0 exists.
    """
    x = _rows(rows, "rows")
    if len(x) > MEDIAN_ROWS:
        x = x[np.random.default_rng(seed).choice(len(x), MEDIAN_ROWS, replace=False)]
    if len(x) < 2:
        return 1.0
    found = np.concatenate([d[np.arange(len(d))[:, None] < np.arange(d.shape[1])] for _, d in _distances(x)])
    middle = float(np.sqrt(np.median(found)))
    return middle if middle > 0 else 1.0


def _rows(values: ArrayLike, name: str) -> Floats:
    if np.ndim(values) == 1:
        return as_floats(values, name)[:, None]
    return as_floats(values, name, ndim=2)


def _distances(x: Floats, block: int = BLOCK) -> Iterator[tuple[int, Floats]]:
    """Squared distances of a block of rows to itself and all later rows, with the block's first index."""
    # Centred first: the expansion of a square loses digits where values are far from 0.
    x = x - x.mean(axis=0)
    squares = np.einsum("ij,ij->i", x, x)
    for start in range(0, len(x), block):
        part = slice(start, start + block)
        d = x[part] @ (-2 * x[start:].T)
        d += squares[part, None]
        d += squares[start:]
        yield start, np.maximum(d, 0.0, out=d)


def _memberships(n: int, m: int, permutations: int, seed: int) -> Floats:
    """0/1 membership in the reference (permutations + 1, n + m); the first row is the data's own."""
    members = np.zeros((permutations + 1, n + m), dtype=bool)
    members[:, :n] = True
    if permutations:
        np.random.default_rng(seed).permuted(members[1:], axis=1, out=members[1:])
    return members.astype(np.float64)


def _kernel_sums(pooled: Floats, members: Floats, width: float) -> tuple[Floats, Floats, Floats]:
    """Memberships times kernel (relabellings, rows), row sums of the kernel, and its sums of squares.

    The squares (3,) are summed within the reference, within the current rows, and across.
    """
    sums, rows, squares = np.zeros_like(members), np.zeros(len(pooled)), np.zeros(3)
    n = int(members[0].sum())
    for start, d in _distances(pooled):
        size = len(d)
        part, later = slice(start, start + size), slice(start + size, len(pooled))
        d *= -1 / (2 * width**2)
        kernel = np.exp(d, out=d)
        kernel[np.arange(size), np.arange(size)] = 1.0
        beyond = kernel[:, size:]
        rows[part] += kernel.sum(axis=1)
        rows[later] += beyond.sum(axis=0)
        sums[:, start:] += members[:, part] @ kernel
        # The kernel is symmetric: what lies before the block has been seen from there.
        sums[:, part] += members[:, later] @ beyond.T
        squares += _squares(kernel[:, :size], start, start, n) + 2 * _squares(beyond, start, start + size, n)
    # Across, both halves of the symmetric kernel were counted.
    return sums, rows, squares / (1, 1, 2)


def _squares(kernel: Floats, top: int, left: int, n: int) -> Floats:
    """Sums of squares (3,) of a block of the kernel: within the first n, within the rest, across."""
    i, j = max(0, n - top), max(0, n - left)
    parts = (kernel[:i, :j], kernel[i:, j:], kernel[:i, j:], kernel[i:, :j])
    a, b, c, d = (float(np.einsum("ij,ij->", q, q)) for q in parts)
    return np.array([a, b, c + d])


def _estimates(sums: Floats, rows: Floats, members: Floats, n: int, m: int, biased: bool) -> Floats:
    xx = np.einsum("ij,ij->i", sums, members)
    xy = members @ rows - xx
    yy = rows.sum() - xx - 2 * xy
    if biased:
        return np.asarray(xx / n**2 + yy / m**2 - 2 * xy / (n * m))
    return np.asarray((xx - n) / (n * (n - 1)) + (yy - m) / (m * (m - 1)) - 2 * xy / (n * m))


def _effect(
    unbiased: Floats | None, sums: Floats, rows: Floats, squares: Floats, n: int, m: int, confidence: float
) -> Interval:
    if unbiased is None:
        return Interval(float("nan"), 0.0, 2.0, confidence, "one row: any value is possible", n + m)
    near_x, near_y = sums[0], rows - sums[0]
    # First order: mean kernel to the own sample (itself left out) less that to the other.
    gx = (near_x[:n] - 1) / (n - 1) - near_y[:n] / m
    gy = (near_y[n:] - 1) / (m - 1) - near_x[n:] / n
    variance = 4 * gx.var() / n + 4 * gy.var() / m
    # Second order: what is left of the kernel once its row and column means are taken off.
    parts = ((near_x[:n], near_x[:n], n, n), (near_y[n:], near_y[n:], m, m), (near_y[:n], near_x[n:], n, m))
    for square, (across, down, a, b), factor in zip(squares, parts, (2.0, 2.0, 4.0), strict=True):
        mean = across.sum() / (a * b)
        left = square / (a * b) - (across**2).sum() / (a * b**2) - (down**2).sum() / (b * a**2) + mean**2
        variance += factor * max(0.0, left) / (a * b)
    half = float(ndtri(0.5 + confidence / 2) * np.sqrt(variance))
    value = float(unbiased[0])
    # The variance grows with the value; on the square-root scale it is steady, and the limits balanced.
    root = float(np.sqrt(max(value, 0.0)))
    step = float(np.sqrt(half)) if 4 * root**2 <= half else half / (2 * root)
    low, high = max(0.0, root - step) ** 2, (root + step) ** 2
    return Interval(value, min(low, value), high, confidence, "unbiased estimate, square-root scale", n + m)
