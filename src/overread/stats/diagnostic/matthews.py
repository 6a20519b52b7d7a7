"""Matthews' correlation of true and predicted classes, two or more."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Floats, as_classes, as_groups, check_confidence, unit_count
from overread.stats.bootstrap import defined, limits, resampling_name
from overread.stats.diagnostic.multiclass import confusion_matrix, confusion_replicates
from overread.stats.interval import Interval


def matthews_correlation(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Correlation of the class (n,) and the predicted one, -1 to 1, with a percentile bootstrap interval.

    Two classes: Matthews, Biochim Biophys Acta 1975;405:442; more: Gorodkin, Comput Biol Chem 2004;28:367. Cases
    are resampled within true classes; with ``cluster`` (n,) whole clusters are. A classifier that always says the same
    has a correlation of 0, by convention.

    Raises ValueError for NaN, wrong shapes, a truth of one class only, or a single case or cluster.
    """
    check_confidence(confidence)
    matrix = confusion_matrix(truth, predicted)
    t, p = as_classes(truth, "truth"), as_classes(predicted, "predicted")
    if np.count_nonzero(matrix.sum(axis=1)) < 2:
        raise ValueError(f"truth holds only class {int(t[0])}, expected two or more")
    codes = as_groups(cluster, len(t))
    units = unit_count(codes, len(t))
    if units < 2:
        raise ValueError("one case (or one cluster) has no interval; expected two or more")
    replicates = defined(_correlation(confusion_replicates(t, p, len(matrix), codes, resamples, seed)))
    estimate = float(_correlation(matrix[None].astype(np.float64))[0])
    name = resampling_name(codes, within_classes=True)
    return limits(estimate, replicates, method="percentile", confidence=confidence, n=units, name=name)


def _correlation(matrices: Floats) -> Floats:
    """Of confusion matrices (b, k, k): (b,), NaN where a resample holds one true class only."""
    n = matrices.sum(axis=(1, 2))
    real, called = matrices.sum(axis=2), matrices.sum(axis=1)
    together = n * np.trace(matrices, axis1=1, axis2=2) - (real * called).sum(axis=1)
    of_real, of_called = n**2 - (real**2).sum(axis=1), n**2 - (called**2).sum(axis=1)
    scale = np.sqrt(of_real * of_called)
    value = np.divide(together, scale, out=np.zeros(len(matrices)), where=scale > 0)
    return np.where(of_real > 0, value, np.nan)
