"""Calibrators: fitted on tuning cases, frozen, applied to others, kept as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression, minimize
from scipy.special import expit, log_softmax, softmax

from overread.stats.arrays import (
    Bools,
    Floats,
    as_binary,
    as_classes,
    as_floats,
    as_probabilities,
    same_length,
)
from overread.stats.calibration.inputs import CLIP, case_weights
from overread.stats.calibration.logistic import logistic
from overread.stats.calibration.temperature import fit_temperature

LARGEST_SCALE = 100.0


class Calibrator:
    """What every calibrator offers; ``kind`` is its name in ``as_dict``."""

    kind: ClassVar[str]

    def transform(self, x: ArrayLike) -> Floats:
        """Calibrated probabilities of logits, scores or probabilities, as the calibrator takes them."""
        raise NotImplementedError

    def predict(self, x: ArrayLike) -> Floats:
        """The same as ``transform``."""
        return self.transform(x)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON; ``calibrator_from_dict`` reads it."""
        fields = asdict(self)  # type: ignore[call-overload]
        return {"kind": self.kind} | {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}


@dataclass(frozen=True)
class TemperatureScaling(Calibrator):
    """softmax(logits / temperature), or the sigmoid for logits (n,) of class 1 (Guo et al., ICML 2017)."""

    temperature: float
    kind: ClassVar[str] = "temperature"

    @classmethod
    def fit(cls, logits: ArrayLike, y: ArrayLike) -> TemperatureScaling:
        """The most likely temperature of logits (n, k) with class indices, or (n,) with 0 and 1."""
        return cls(fit_temperature(logits, y))

    def transform(self, x: ArrayLike) -> Floats:
        """Probabilities in the shape of the logits."""
        z = as_floats(x, "logits", ndim=2 if np.ndim(x) == 2 else 1) / self.temperature
        p: Floats = softmax(z, axis=1) if z.ndim == 2 else expit(z)
        return p


@dataclass(frozen=True)
class VectorScaling(Calibrator):
    """softmax(scale * logits + bias), one scale and one bias a class (Guo et al., ICML 2017).

    The biases sum to 0. On classes that are separated completely the scales stay below 100.
    """

    scale: tuple[float, ...]
    bias: tuple[float, ...]
    kind: ClassVar[str] = "vector"

    @classmethod
    def fit(cls, logits: ArrayLike, y: ArrayLike) -> VectorScaling:
        """The most likely scales and biases of logits (n, k) with class indices ``y`` (n,)."""
        z = as_floats(logits, "logits", ndim=2)
        n, k = z.shape
        truth = as_classes(y, classes=k)
        same_length(n, truth, "y")
        onehot = (truth[:, None] == np.arange(k)).astype(np.float64)

        def loss(w: Floats) -> tuple[float, Floats]:
            scaled = z * w[:k] + w[k:]
            logs = log_softmax(scaled, axis=1)
            excess = (np.exp(logs) - onehot) / n
            gradient = np.concatenate([(excess * z).sum(axis=0), excess.sum(axis=0)])
            return float(-(logs * onehot).sum() / n), gradient

        start = np.concatenate([np.ones(k), np.zeros(k)])
        bounds = [(-LARGEST_SCALE, LARGEST_SCALE)] * (2 * k)
        options = {"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-9}
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
        bias = found[k:] - found[k:].mean()
        return cls(tuple(float(v) for v in found[:k]), tuple(float(v) for v in bias))

    def transform(self, x: ArrayLike) -> Floats:
        """Probabilities (n, k) of logits (n, k)."""
        z = as_floats(x, "logits", ndim=2)
        if z.shape[1] != len(self.scale):
            raise ValueError(f"logits has {z.shape[1]} columns, expected {len(self.scale)} classes")
        p: Floats = softmax(z * np.array(self.scale) + np.array(self.bias), axis=1)
        return p


@dataclass(frozen=True)
class PlattScaling(Calibrator):
    """Sigmoid of slope * score + intercept (Platt, Advances in Large Margin Classifiers 1999)."""

    slope: float
    intercept: float
    kind: ClassVar[str] = "platt"

    @classmethod
    def fit(
        cls, score: ArrayLike, y: ArrayLike, *, smoothed: bool = True, weights: ArrayLike | None = None
    ) -> PlattScaling:
        """Logistic regression of ``y`` (n,) in {0, 1} on any score (n,), such as a logit.

        ``smoothed`` takes Platt's targets, (positives + 1) / (positives + 2) and 1 / (negatives + 2), which keep
        the slope finite on separated classes; without them separated classes raise ValueError.
        """
        s = as_floats(score, "score")
        labels = as_binary(y)
        same_length(len(s), labels, "y")
        w = case_weights(weights, len(s))
        if np.ptp(s) == 0:
            raise ValueError("score is constant; no slope exists")
        target = labels.astype(np.float64)
        if smoothed:
            m, n = float(w[labels].sum()), float(w[~labels].sum())
            target = np.where(labels, (m + 1) / (m + 2), 1 / (n + 2))
        elif s[labels].min() >= s[~labels].max() or s[labels].max() <= s[~labels].min():
            raise ValueError("score separates the classes completely; use smoothed=True")
        # Standardised scores keep the information matrix well conditioned.
        centre, spread = float(s.mean()), float(s.std())
        design = np.column_stack([np.ones_like(s), (s - centre) / spread])
        line = logistic(design, target, np.zeros_like(s), np.zeros(2), weights=w)[0]
        slope = float(line[1]) / spread
        return cls(slope, float(line[0]) - slope * centre)

    def transform(self, x: ArrayLike) -> Floats:
        """Probabilities (n,) of class 1."""
        p: Floats = expit(self.slope * as_floats(x, "score") + self.intercept)
        return p


@dataclass(frozen=True)
class IsotonicCalibration(Calibrator):
    """A rising step function, joined by straight lines between its steps and constant beyond its ends.

    Zadrozny and Elkan, KDD 2002. It needs some thousand cases: with few it repeats their noise, and its
    ends are often 0 and 1.
    """

    x: tuple[float, ...]
    p: tuple[float, ...]
    kind: ClassVar[str] = "isotonic"

    @classmethod
    def fit(cls, score: ArrayLike, y: ArrayLike, *, weights: ArrayLike | None = None) -> IsotonicCalibration:
        """Isotonic regression (pool adjacent violators) of ``y`` (n,) in {0, 1} on any score (n,)."""
        s = as_floats(score, "score")
        labels = as_binary(y, both=False)
        same_length(len(s), labels, "y")
        w = case_weights(weights, len(s))
        s, labels, w = s[w > 0], labels[w > 0], w[w > 0]
        values, group = np.unique(s, return_inverse=True)
        sizes = np.bincount(group, w)
        fitted = np.clip(isotonic_regression(np.bincount(group, w * labels) / sizes, weights=sizes).x, 0, 1)
        # Only the ends of level stretches are needed.
        level = np.concatenate([[False], (np.diff(fitted[:-1]) == 0) & (np.diff(fitted[1:]) == 0), [False]])
        kept = ~level[: len(fitted)]
        return cls(tuple(float(v) for v in values[kept]), tuple(float(v) for v in fitted[kept]))

    def transform(self, x: ArrayLike) -> Floats:
        """Probabilities (n,) of class 1."""
        return np.interp(as_floats(x, "score"), self.x, self.p)


@dataclass(frozen=True)
class BetaCalibration(Calibrator):
    """logit = a ln(p) - b ln(1 - p) + c (Kull, Silva Filho and Flach, AISTATS 2017).

    The identity, a = b = 1 and c = 0, belongs to the family. Probabilities are kept 1e-15 away from 0, 1.
    """

    a: float
    b: float
    c: float
    kind: ClassVar[str] = "beta"

    @classmethod
    def fit(
        cls,
        p: ArrayLike,
        y: ArrayLike,
        *,
        parameters: Literal["abm", "ab", "am"] = "abm",
        weights: ArrayLike | None = None,
    ) -> BetaCalibration:
        """Most likely a, b >= 0 and c of probabilities (n,) with ``y`` (n,) in {0, 1}.

        ``am`` holds a = b, ``ab`` holds the curve at (0.5, 0.5), that is c = ln 2 (a - b).
        """
        probability, labels = as_probabilities(p), as_binary(y)
        same_length(len(probability), labels, "y")
        w = case_weights(weights, len(probability))
        features = _beta_features(probability)
        if np.ptp(probability) == 0:
            raise ValueError("p is constant; there is nothing to recalibrate")
        if parameters == "am":
            (a,), c = _non_negative(features.sum(axis=1, keepdims=True), labels, w, True)
            return cls(a, a, c)
        if parameters == "ab":
            (a, b), _ = _non_negative(features + np.array([np.log(2), -np.log(2)]), labels, w, False)
            return cls(a, b, float(np.log(2) * (a - b)))
        if parameters != "abm":
            raise ValueError(f"parameters is {parameters!r}, expected 'abm', 'ab' or 'am'")
        (a, b), c = _non_negative(features, labels, w, True)
        return cls(a, b, c)

    def transform(self, x: ArrayLike) -> Floats:
        """Probabilities (n,) of class 1."""
        p: Floats = expit(_beta_features(as_probabilities(x)) @ np.array([self.a, self.b]) + self.c)
        return p


def calibrator_from_dict(data: dict[str, Any]) -> Calibrator:
    """The calibrator that ``as_dict`` wrote.

    Raises ValueError for an unknown kind or fields that do not fit it.
    """
    known: dict[str, type[Calibrator]] = {
        c.kind: c
        for c in (TemperatureScaling, VectorScaling, PlattScaling, IsotonicCalibration, BetaCalibration)
    }
    kind = data.get("kind")
    if kind not in known:
        raise ValueError(f"kind is {kind!r}, expected one of {', '.join(known)}")
    fields = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k != "kind"}
    try:
        return known[kind](**fields)
    except TypeError as error:
        raise ValueError(f"fields {sorted(fields)} do not fit a {kind} calibrator") from error


def _beta_features(p: Floats) -> Floats:
    clipped = np.clip(p, CLIP, 1 - CLIP)
    return np.column_stack([np.log(clipped), -np.log1p(-clipped)])


def _non_negative(
    features: Floats, labels: Bools, w: Floats, intercept: bool
) -> tuple[tuple[float, ...], float]:
    """Most likely coefficients of 0 or more, and the intercept; the loss is convex, so one start suffices."""
    k = features.shape[1]
    target = labels.astype(np.float64)
    signs = np.where(labels, 1.0, -1.0)
    total = float(w.sum())

    def loss(v: Floats) -> tuple[float, Floats]:
        eta = features @ v[:k] + v[k]
        excess = w * (expit(eta) - target) / total
        gradient = np.append(features.T @ excess, excess.sum() if intercept else 0.0)
        return float((w * np.logaddexp(0, -signs * eta)).sum() / total), gradient

    start = np.append(np.ones(k), 0.0)
    bounds = [(0.0, LARGEST_SCALE)] * k + [(None, None) if intercept else (0.0, 0.0)]
    options = {"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-9}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    return tuple(float(c) for c in found[:k]), float(found[k])
