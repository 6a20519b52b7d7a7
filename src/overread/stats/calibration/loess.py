"""Local regression of one variable on another."""

from __future__ import annotations

import numpy as np

from overread.stats.arrays import Floats


def loess(
    x: Floats, y: Floats, at: Floats, *, span: float = 0.5, degree: int = 1, delta: float = 0.001
) -> Floats:
    """Local polynomial fit of ``y`` (n,) on ``x`` (n,) at ``at`` (m,), tricube weights, without robustness.

    Cleveland, J Am Stat Assoc 1979;74:829. Each fit uses the nearest ``span`` of the cases. Fits are made at
    cases at most ``delta`` times the range of ``x`` apart and joined by straight lines, as in his program
    LOWESS (Am Stat 1981;35:54). Beyond the ends the curve is constant.
    """
    if not 0 < span <= 1:
        raise ValueError(f"span is {span}, expected more than 0 and at most 1")
    if degree not in (1, 2):
        raise ValueError(f"degree is {degree}, expected 1 or 2")
    order = np.argsort(x, kind="stable")
    xs, ys = x[order], y[order]
    points = _spaced(xs, delta * float(xs[-1] - xs[0]))
    k = min(len(xs), max(degree + 1, int(span * len(xs) + 1e-10)))
    starts = _nearest(xs, points, k)
    fitted = np.array([_fit(xs, ys, p, s, k, degree) for p, s in zip(points, starts, strict=True)])
    smoothed: Floats = np.interp(at, points, fitted)
    return smoothed


def _spaced(xs: Floats, gap: float) -> Floats:
    """First and last value, and in between each the last within ``gap`` of the one before (or the next)."""
    values = np.unique(xs)
    chosen = [0]
    while chosen[-1] < len(values) - 1:
        last = chosen[-1]
        chosen.append(max(last + 1, int(np.searchsorted(values, values[last] + gap, side="right")) - 1))
    return values[chosen]


def _nearest(xs: Floats, points: Floats, k: int) -> np.ndarray:
    """Start of the window of the ``k`` nearest values, by bisection for all points at once."""
    low, high = np.zeros(len(points), dtype=np.int64), np.full(len(points), len(xs) - k)
    while (low < high).any():
        middle = (low + high) // 2
        right = np.minimum(middle + k, len(xs) - 1)
        farther = (points - xs[middle] > xs[right] - points) & (low < high)
        low, high = np.where(farther, middle + 1, low), np.where(farther | (low >= high), high, middle)
    return low


def _fit(xs: Floats, ys: Floats, point: float, start: int, k: int, degree: int) -> float:
    window = slice(start, start + k)
    d, y = xs[window] - point, ys[window]
    radius = float(max(-d[0], d[-1]))
    if radius <= 0:
        same = slice(*np.searchsorted(xs, [point, np.nextafter(point, np.inf)]))
        return float(ys[same].mean())
    scaled = d / radius
    w = (1 - np.abs(scaled) ** 3) ** 3
    total = float(w.sum())
    if total <= 0:
        return float(y.mean())
    centre = float(w @ scaled) / total
    mean = float(w @ y) / total
    away = scaled - centre
    spread = float(w @ away**2)
    if spread <= 1e-12 * total:
        return mean
    if degree == 1:
        return mean - centre * float(w @ (away * y)) / spread
    root = np.sqrt(w)
    design = np.column_stack([np.ones_like(scaled), scaled, scaled**2]) * root[:, None]
    return float(np.linalg.lstsq(design, root * y, rcond=1e-10)[0][0])
