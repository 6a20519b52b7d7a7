"""Performance without labels: what calibrated probabilities say about their own accuracy (CBPE)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Bools, Floats, as_binary, as_floats, as_probabilities, same_length
from overread.stats.bootstrap import BLOCK_VALUES
from overread.stats.calibration import IsotonicCalibration, calibration_slope_intercept
from overread.stats.interval import Interval

Metric = Literal["accuracy", "auc", "sensitivity", "specificity", "ppv", "npv", "f1"]
CHECK_CONFIDENCE = 0.99  # a calibrated model is distrusted by chance once in a hundred
METRICS = ("accuracy", "auc", "sensitivity", "specificity", "ppv", "npv", "f1")
ASSUMPTIONS = (
    "Valid if the probabilities are calibrated on the new data too: the chance of the finding given the image "
    "must not have changed (no concept drift), and new data must look like data seen before (covariate shift "
    "within the range of the reference is allowed). It cannot see a model that is confidently wrong: with "
    "scores that are not calibrated the estimate is wrong without any sign of it."
)


@dataclass(frozen=True)
class CalibrationCheck:
    """Whether the estimate can be trusted on reference data, where the truth is known.

    ``gap`` is the estimated less the realised metric on the reference, with the 99% limits that chance alone
    gives a calibrated model (around 0); ``passed`` where the gap lies within these, or within ``tolerance``.
    ``detectable`` is the half width of those limits: a reference too small to show an error of that size
    passes whatever the truth. ``slope`` and ``in_the_large`` are those of logistic recalibration (None where
    the classes are separated or the probabilities constant).
    """

    gap: Interval
    estimated: float
    realised: float
    tolerance: float
    detectable: float
    passed: bool
    slope: Interval | None
    in_the_large: Interval | None
    n: int


@dataclass(frozen=True)
class PerformanceEstimate:
    """A metric estimated without labels; the limits hold the realised metric of these very cases.

    ``assumptions`` states the conditions; ``calibration`` is the check on the reference that the estimate rests
    on. Where it fails, ``trusted`` is False and the number must not be shown as performance.
    """

    metric: str
    estimate: Interval
    calibration: CalibrationCheck
    trusted: bool
    recalibrated: bool
    n: int
    method: str
    assumptions: str = ASSUMPTIONS

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def cbpe(
    p: ArrayLike,
    y_reference: ArrayLike,
    p_reference: ArrayLike,
    *,
    metric: Metric = "accuracy",
    threshold: float = 0.5,
    recalibrate: Literal["isotonic"] | None = None,
    tolerance: float = 0.01,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> PerformanceEstimate:
    """Confidence-based performance estimate of probabilities ``p`` (n,) of class 1 without labels.

    Each case counts as positive with weight p and as negative with 1 - p; positive calls are those with
    p >= ``threshold``. AUC: the weighted area, cases ordered by p. After Bialek et al. (arXiv 2407.08649) and
    NannyML. Labelled reference data are required: they show whether the probabilities mean what they say, and
    with ``recalibrate`` they are first mapped by isotonic regression fitted there (the order for the AUC and
    the calls stay those of the given ``p``).

    Intervals: labels are drawn from the probabilities; 95% of realised metrics of calibrated cases fall there.

    Raises ValueError for NaN, probabilities outside 0 to 1, one class only in the reference, or a metric that
    has no meaning here (ppv where nothing is called positive).
    """
    if metric not in METRICS:
        raise ValueError(f"metric is {metric!r}, expected one of {', '.join(METRICS)}")
    if recalibrate not in (None, "isotonic"):
        raise ValueError(f"recalibrate is {recalibrate!r}, expected None or 'isotonic'")
    new, known = as_probabilities(p), as_probabilities(p_reference, "p_reference")
    y = as_binary(y_reference, "y_reference")
    same_length(len(y), known, "p_reference")
    chance, known_chance = new, known
    if recalibrate:
        line = IsotonicCalibration.fit(known, y)
        chance, known_chance = line.transform(new), line.transform(known)
    estimate = _interval(metric, chance, new, threshold, confidence, resamples, seed)
    check = _check(metric, y, known_chance, known, threshold, tolerance, confidence, resamples, seed)
    return PerformanceEstimate(
        metric=metric,
        estimate=estimate,
        calibration=check,
        trusted=check.passed,
        recalibrated=recalibrate is not None,
        n=len(new),
        method="confidence-based performance estimate" + (", isotonic recalibration" if recalibrate else ""),
    )


def expected_metric(
    p: ArrayLike, *, metric: Metric = "accuracy", threshold: float = 0.5, order: ArrayLike | None = None
) -> float:
    """The metric that calibrated probabilities ``p`` (n,) expect of themselves, without any check.

    Accuracy at threshold .5 is mean(max(p, 1 - p)). ``order`` (n,) are the scores that rank and are compared
    with the threshold, if not ``p`` itself. In the AUC a case is paired with itself too, as in NannyML; that
    is a share of about 1 / n.
    """
    chance = as_probabilities(p)
    score = chance if order is None else as_floats(order, "order")
    same_length(len(chance), score, "order")
    return float(_values(metric, chance[None], score, threshold)[0])


def _check(
    metric: Metric,
    y: Bools,
    chance: Floats,
    score: Floats,
    threshold: float,
    tolerance: float,
    confidence: float,
    resamples: int,
    seed: int,
) -> CalibrationCheck:
    expected = _interval(metric, chance, score, threshold, CHECK_CONFIDENCE, resamples, seed)
    realised = float(_values(metric, y[None].astype(np.float64), score, threshold)[0])
    gap = expected.estimate - realised
    # If the model is calibrated, realised values scatter about the expected one as the drawn ones do.
    limits = Interval(
        gap,
        expected.estimate - expected.high,
        expected.estimate - expected.low,
        CHECK_CONFIDENCE,
        "limits of a calibrated model",
        len(y),
    )
    slope = large = None
    try:
        line = calibration_slope_intercept(y, chance, confidence=confidence)
        slope, large = line.slope, line.in_the_large
    except ValueError:
        # Separated classes or constant probabilities have no slope; the gap still speaks.
        pass
    passed = limits.low <= gap <= limits.high or abs(gap) <= tolerance
    detectable = (limits.high - limits.low) / 2
    return CalibrationCheck(
        limits, expected.estimate, realised, tolerance, detectable, passed, slope, large, len(y)
    )


def _interval(
    metric: Metric,
    chance: Floats,
    score: Floats,
    threshold: float,
    confidence: float,
    resamples: int,
    seed: int,
) -> Interval:
    estimate = float(_values(metric, chance[None], score, threshold)[0])
    if not np.isfinite(estimate):
        raise ValueError(f"{metric} has no value here: no case is {_MEANING[metric]}")
    generator, found = np.random.default_rng(seed), []
    block = max(1, min(resamples, BLOCK_VALUES // len(chance)))
    for start in range(0, resamples, block):
        labels = generator.random((min(block, resamples - start), len(chance))) < chance
        found.append(_values(metric, labels.astype(np.float64), score, threshold))
    drawn = np.concatenate(found)
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) < resamples / 2:
        low, high = 0.0, 1.0
    else:
        low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(
        estimate,
        float(min(low, estimate)),
        float(max(high, estimate)),
        confidence,
        "label draws",
        len(chance),
    )


def _values(metric: str, positive: Floats, score: Floats, threshold: float) -> Floats:
    """The metric of label weights ``positive`` (b, n), each row a version of the labels."""
    if metric == "auc":
        return _areas(positive, score)
    called = score >= threshold
    n = positive.shape[1]
    tp = positive @ called
    fn = positive.sum(axis=1) - tp
    fp = called.sum() - tp
    tn = n - tp - fn - fp
    numerator, denominator = {
        "accuracy": (tp + tn, np.full_like(tp, n)),
        "sensitivity": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "ppv": (tp, tp + fp),
        "npv": (tn, tn + fn),
        "f1": (2 * tp, 2 * tp + fp + fn),
    }[metric]
    return np.asarray(
        np.divide(numerator, denominator, out=np.full(tp.shape, np.nan), where=denominator > 1e-12)
    )


def _areas(positive: Floats, score: Floats) -> Floats:
    order = np.argsort(score, kind="stable")
    starts = np.concatenate([[0], np.flatnonzero(np.diff(score[order]) > 0) + 1])
    sizes = np.diff(np.append(starts, len(score)))
    pos = np.add.reduceat(positive[:, order], starts, axis=1)
    neg = sizes - pos
    below = np.cumsum(neg, axis=1) - neg / 2
    pairs = pos.sum(axis=1) * neg.sum(axis=1)
    return np.asarray(
        np.divide((pos * below).sum(axis=1), pairs, out=np.full(len(pos), np.nan), where=pairs > 1e-12)
    )


_MEANING = {
    "auc": "expected in one of the classes",
    "sensitivity": "expected to be positive",
    "specificity": "expected to be negative",
    "ppv": "called positive",
    "npv": "called negative",
    "f1": "positive or called so",
}
