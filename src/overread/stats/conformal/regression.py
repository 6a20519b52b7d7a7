"""Conformal limits of a measurement, such as a volume or an age."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Floats, as_floats, same_length
from overread.stats.conformal.quantile import conformal_quantile


@dataclass(frozen=True)
class ConformalBand:
    """How far the limits of a prediction reach: ``margin`` beyond it, infinite with too few cases."""

    margin: float
    coverage: float
    n: int

    def limits(self, low: ArrayLike, high: ArrayLike | None = None) -> tuple[Floats, Floats]:
        """Limits (n,) and (n,) around predictions ``low`` (n,), or around predicted quantiles low and high."""
        below = as_floats(low, "low")
        above = below if high is None else as_floats(high, "high")
        same_length(len(below), above, "high")
        return below - self.margin, above + self.margin


def split_conformal(y: ArrayLike, prediction: ArrayLike, *, coverage: float = 0.9) -> ConformalBand:
    """Limits prediction +- margin from absolute errors (Lei et al., J Am Stat Assoc 2018;113:1094).

    ``y`` and ``prediction`` (n,) are of cases on which the model was not fitted. The limits of a new exchangeable
    case hold its value with probability ``coverage`` or more.
    """
    truth, predicted = as_floats(y, "y"), as_floats(prediction, "prediction")
    same_length(len(truth), predicted, "prediction")
    return ConformalBand(
        conformal_quantile(np.abs(truth - predicted), coverage=coverage), coverage, len(truth)
    )


def conformalised_quantiles(
    y: ArrayLike, low: ArrayLike, high: ArrayLike, *, coverage: float = 0.9
) -> ConformalBand:
    """Limits from predicted quantiles, widened (or narrowed) by one margin (Romano et al., NeurIPS 2019).

    ``low`` and ``high`` (n,) are predicted lower and upper quantiles of ``y`` (n,) in cases on which the model was
    not fitted. The guarantee is that of ``split_conformal``; the width follows the predicted quantiles.
    """
    truth, below, above = as_floats(y, "y"), as_floats(low, "low"), as_floats(high, "high")
    same_length(len(truth), below, "low")
    same_length(len(truth), above, "high")
    return ConformalBand(
        conformal_quantile(np.maximum(below - truth, truth - above), coverage=coverage), coverage, len(truth)
    )
