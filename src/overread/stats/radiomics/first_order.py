"""Grey values of a region, whatever their places (IBSI reference manual 3.3 and 3.4)."""

from __future__ import annotations

import numpy as np

from overread.stats.arrays import Floats, Ints
from overread.stats.radiomics.levels import entropy


def first_order(values: Floats, levels: Ints, *, voxel: float) -> dict[str, float]:
    """Statistics of ``values (n,)``; entropy and uniformity of their ``levels (n,)``; ``voxel``: its volume in mm3.

    Variance, skewness and kurtosis divide by n; the kurtosis is the excess over a normal one (3 less than
    PyRadiomics').
    """
    mean, off = float(values.mean()), values - values.mean()
    variance = float((off**2).mean())
    low, quarter, median, three, high = np.percentile(values, [10, 25, 50, 75, 90])
    middle = values[(values >= low) & (values <= high)]
    p = np.bincount(levels) / len(levels)
    square = float((values**2).sum())
    return {
        "mean": mean,
        "variance": variance,
        "skewness": float((off**3).mean() / variance**1.5) if variance else 0.0,
        "excess_kurtosis": float((off**4).mean() / variance**2 - 3) if variance else 0.0,
        "median": float(median),
        "minimum": float(values.min()),
        "10_percentile": float(low),
        "90_percentile": float(high),
        "maximum": float(values.max()),
        "interquartile_range": float(three - quarter),
        "range": float(np.ptp(values)),
        "mean_absolute_deviation": float(np.abs(off).mean()),
        "robust_mean_absolute_deviation": float(np.abs(middle - middle.mean()).mean()),
        "energy": square,
        "total_energy": square * voxel,
        "root_mean_squared": float(np.sqrt(square / len(values))),
        "entropy": entropy(p),
        "uniformity": float((p**2).sum()),
    }
