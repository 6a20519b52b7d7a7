"""Which scaling makes scores probabilities: the simplest, unless a richer one is better on patients left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, logit

from overread.evaluate import temperature
from overread.evaluate.patients import count
from overread.evaluate.thresholds import scale_of
from overread.runtime.manifest import Scale
from overread.runtime.manifest_calibration import Curve
from overread.runtime.probability import curved
from overread.stats.calibration import IsotonicCalibration

Floats = NDArray[np.float64]
FOLDS = 5
SURE = 3.0
"""Standard errors by which a scale for each class must lose less than a temperature: it moves decisions as well as
probabilities, and what an intercept gains on the patients of one place it may lose on those of the next."""
FEWEST_FOR_VECTOR, FEWEST_FOR_CURVE = 20, 100
"""Tuning patients of each kind; isotonic regression of fewer follows their noise (Niculescu-Mizil and Caruana 2005)."""
FEWEST_LEVELS = 10
"""Different scores: a network that gives every case about the same has nothing to bend."""
SLOPES_APART = 0.5
"""Deviation of the prior of a class's log slope about that of all."""
FLAT = 1e-6
"""Weight by which what the data leave open is 0."""
LOG_SLOPE = 5.0
SLOPE = 0.02
"""Least slope of a curve on the log odds: scores that differ keep their order."""


def vector_of(
    z: Floats, y: NDArray[np.int64], *, cluster: NDArray[Any] | None = None
) -> tuple[list[Scale], str]:
    """A slope and an intercept for each class's logit (Guo 2017; of two classes one slope, as Platt 1999).

    They are taken where their log loss on patients left out is smaller than that of one temperature by more than
    `SURE` standard errors; else none, and why. ``z (n, k)``, ``y (n,)``.
    """
    kinds = [
        count(None if cluster is None else cluster[y == k], int((y == k).sum())) for k in range(z.shape[1])
    ]
    if min(kinds) < FEWEST_FOR_VECTOR:
        return (
            [],
            f"temperature: {min(kinds)} tuning patients of a class, a scale for each needs {FEWEST_FOR_VECTOR}",
        )

    def plain(own: NDArray[np.bool_], out: NDArray[np.bool_]) -> Floats:
        fitted = temperature.fit(z[own], y[own], cluster=None if cluster is None else cluster[own])
        return -np.asarray(log_softmax(z[out] / fitted.value, axis=1))[np.arange(out.sum()), y[out]]

    def richer(own: NDArray[np.bool_], out: NDArray[np.bool_]) -> Floats:
        scaled = _vector(z[own], y[own])
        slope, shift = np.array([s.slope for s in scaled]), np.array([s.intercept for s in scaled])
        return -np.asarray(log_softmax(z[out] * slope + shift, axis=1))[np.arange(out.sum()), y[out]]

    gain, error = _gain(plain, richer, y, cluster)
    if gain <= SURE * error:
        return (
            [],
            f"temperature: a scale for each class was no better on patients left out ({_said(gain, error)})",
        )
    return _vector(z, y), f"a scale for each class: {_said(gain, error)}"


def curve_of(
    odds: Floats, truth: NDArray[np.bool_], *, cluster: NDArray[Any] | None = None
) -> tuple[Curve | None, str]:
    """An isotonic curve of a label's log odds ``(n,)``, where its log loss on patients left out is smaller than that of
    Platt's line by more than one standard error; else none, and why."""
    kinds = [count(None if cluster is None else cluster[k], int(k.sum())) for k in (truth, ~truth)]
    if min(kinds) < FEWEST_FOR_CURVE:
        return None, f"Platt: {min(kinds)} tuning patients of a kind, a curve needs {FEWEST_FOR_CURVE}"
    levels = len(np.unique(odds))
    if levels < FEWEST_LEVELS:
        return None, f"Platt: {levels} different scores, a curve needs {FEWEST_LEVELS}"

    def plain(own: NDArray[np.bool_], out: NDArray[np.bool_]) -> Floats:
        line, _ = scale_of(odds[own], truth[own], cluster=None if cluster is None else cluster[own])
        return _loss(line.slope * odds[out] + line.intercept, truth[out])

    def richer(own: NDArray[np.bool_], out: NDArray[np.bool_]) -> Floats:
        return _loss(np.array([curved(v, _curve(odds[own], truth[own])) for v in odds[out]]), truth[out])

    gain, error = _gain(plain, richer, truth.astype(np.int64), cluster)
    if gain <= error:
        return None, f"Platt: a curve was no better on patients left out ({_said(gain, error)})"
    return _curve(odds, truth), f"isotonic curve: {_said(gain, error)}"


def _vector(z: Floats, y: NDArray[np.int64]) -> list[Scale]:
    """Slopes above 0 that differ by what the cases show, and intercepts that sum to 0.

    Logits of softmax say nothing but their differences, and where those of two classes mirror each other only the sum
    of their slopes can be learnt: without more, one may come out negative, harmless on such cases and ruinous on
    others. So two classes share one slope (Platt's line on their difference), and of more the logarithms of the slopes
    have a normal prior about their mean. Targets are smoothed as for the temperature.
    """
    n, k = z.shape
    target = temperature.smoothed(y, k)

    def parts(x: Floats) -> tuple[Floats, Floats]:
        apart = x[1 : 1 + k] - x[1 : 1 + k].mean() if k > 2 else np.zeros(k)
        return x[0] + apart, x[-k:] - x[-k:].mean()

    def loss(x: Floats) -> float:
        log_slope, shift = parts(x)
        fit = -float((target * log_softmax(z * np.exp(log_slope) + shift, axis=1)).sum())
        prior = float(((log_slope - x[0]) ** 2).sum()) / (2 * SLOPES_APART**2) + FLAT * float((x**2).sum())
        return float((fit + prior) / n)

    width = 1 + (k if k > 2 else 0) + k
    bounds = [(-LOG_SLOPE, LOG_SLOPE)] * (width - k) + [(None, None)] * k
    log_slope, shift = parts(minimize(loss, np.zeros(width), method="L-BFGS-B", bounds=bounds).x)
    return [Scale(slope=float(np.exp(a)), intercept=float(b)) for a, b in zip(log_slope, shift, strict=True)]


def _curve(odds: Floats, truth: NDArray[np.bool_]) -> Curve:
    """Isotonic regression at 21 quantiles of the log odds, kept off 0 and 1 by one case, and strictly rising."""
    x = np.unique(np.quantile(odds, np.linspace(0, 1, 21)))
    n = len(odds)
    p = np.asarray(IsotonicCalibration.fit(expit(odds), truth).transform(expit(x)))
    y = logit(np.clip(p, 1 / (n + 2), 1 - 1 / (n + 2)))
    rising = np.maximum.accumulate(y - SLOPE * x) + SLOPE * x
    return Curve(odds=x.tolist(), calibrated=rising.tolist())


def _loss(odds: Floats, truth: NDArray[np.bool_]) -> Floats:
    found: Floats = np.logaddexp(0, np.where(truth, -odds, odds))
    return found


def _gain(
    plain: Callable[[NDArray[np.bool_], NDArray[np.bool_]], Floats],
    richer: Callable[[NDArray[np.bool_], NDArray[np.bool_]], Floats],
    kind: NDArray[np.int64],
    cluster: NDArray[Any] | None,
) -> tuple[float, float]:
    """Mean by which the richer loses less on patients left out, over patients, and its standard error."""
    n = len(kind)
    who = np.unique(np.arange(n) if cluster is None else cluster, return_inverse=True)[1]
    units = int(who.max()) + 1
    folds = np.random.default_rng(0).permutation(units)[who] % FOLDS
    gain = np.zeros(n)
    for fold in range(FOLDS):
        out = folds == fold
        # A part without one of the kinds can fit nothing.
        if len(np.unique(kind[~out])) == len(np.unique(kind)) and out.any():
            gain[out] = plain(~out, out) - richer(~out, out)
    each = np.bincount(who, gain) / np.bincount(who)
    return float(each.mean()), float(each.std(ddof=1) / np.sqrt(units))


def _said(gain: float, error: float) -> str:
    return f"log loss smaller by {gain:.3g}, standard error {error:.2g}"
