"""Simulated reader studies with known variances, to test methods and to try out designs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from overread.stats.arrays import Floats
from overread.stats.readers.study import ReaderStudy

DEFAULT = {"var_r": 0.011, "var_tr": 0.011, "var_c": 0.3, "var_tc": 0.3, "var_rc": 0.2, "var_trc": 0.2}


def roe_metz(
    *,
    readers: int,
    negatives: int,
    positives: int,
    separation: Sequence[float] = (0.75, 0.75),
    var_r: float = DEFAULT["var_r"],
    var_tr: float = DEFAULT["var_tr"],
    var_c: float = DEFAULT["var_c"],
    var_tc: float = DEFAULT["var_tc"],
    var_rc: float = DEFAULT["var_rc"],
    var_trc: float = DEFAULT["var_trc"],
    seed: int | np.random.Generator = 0,
) -> ReaderStudy:
    """A fully crossed study: normal ratings as sums of effects of readers, cases and treatments.

    Roe and Metz, Acad Radiol 1997;4:298. Positives score ``separation`` (one a treatment) above negatives.
    Variances of readers (r), cases (c) and their interactions with each other and with treatments (t) hold
    in each class apart; ``var_trc`` includes pure error. The defaults are the structure with high
    correlations and high reader variance for an area of 0.70.

    Raises ValueError for sizes below 1 or negative variances.
    """
    if min(readers, negatives, positives) < 1:
        raise ValueError(
            f"{readers} readers, {negatives} negatives, {positives} positives: expected 1 or more"
        )
    if min(var_r, var_tr, var_c, var_tc, var_rc, var_trc) < 0:
        raise ValueError("variances must not be negative")
    generator = np.random.default_rng(seed)
    t = len(separation)

    def effect(variance: float, *shape: int) -> Floats:
        values: Floats = np.sqrt(variance) * generator.standard_normal(shape)
        return values

    parts = []
    for size, shift in ((negatives, np.zeros(t)), (positives, np.asarray(separation, dtype=np.float64))):
        parts.append(
            shift[:, None, None]
            + effect(var_r, 1, readers, 1)
            + effect(var_tr, t, readers, 1)
            + effect(var_c, 1, 1, size)
            + effect(var_tc, t, 1, size)
            + effect(var_rc, 1, readers, size)
            + effect(var_trc, t, readers, size)
        )
    rating = np.concatenate(parts, axis=2)
    truth = np.arange(negatives + positives) >= negatives
    names = [tuple(str(i + 1) for i in range(n)) for n in rating.shape]
    return ReaderStudy(rating, truth, *names)


def roe_metz_auc(*, separation: float, variance: float | None = None) -> float:
    """Expected area over readers and cases; ``variance`` is the sum of all six (default: of the defaults)."""
    total = sum(DEFAULT.values()) if variance is None else variance
    return float(ndtr(separation / np.sqrt(2 * total)))


def roe_metz_separation(*, auc: float, variance: float | None = None) -> float:
    """The separation that gives an expected area of ``auc``."""
    if not 0 < auc < 1:
        raise ValueError(f"auc is {auc}, expected a number between 0 and 1")
    total = sum(DEFAULT.values()) if variance is None else variance
    return float(ndtri(auc) * np.sqrt(2 * total))
