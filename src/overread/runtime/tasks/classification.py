"""One class of several: the whole image in, calibrated probabilities, a decision and a conformal set out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from overread.runtime.answer import Classes
from overread.runtime.manifest import Calibration, Manifest
from overread.runtime.outputs import Network, Outputs
from overread.runtime.preprocess import Prepared
from overread.runtime.probability import curved, entropy, log_odds, observed, softmax, unobserved
from overread.runtime.tasks.whole import label_logits
from overread.runtime.uncertainty.pool import CLASSES, Pool

OUTPUTS: tuple[str, ...] = ("logits",)
DECODING: Mapping[str, float] = {}
POOL: Pool | None = CLASSES


def raw(network: Network, prepared: Prepared, manifest: Manifest, /, *, maps: bool = False) -> Outputs:
    """``logits (labels,)`` of the whole image. Raises InputError for a network of other labels."""
    return label_logits(network, prepared, manifest)


def answer(raw: Outputs, prepared: Prepared, manifest: Manifest, /) -> Classes:
    """Probabilities at the package's temperature (Guo 2017), in float64: in float32 close ones become equal."""
    calibration, labels = manifest.calibration, manifest.labels
    z, p = calibrated(raw["logits"], calibration, labels)
    scores = {label: float(v) for label, v in zip(labels, p, strict=True)}
    limits = {label: observed(label, score, calibration) for label, score in scores.items()}
    intervals = {label: i for label, i in limits.items() if i is not None}
    return Classes(
        scores=scores,
        decided=decide_label(p, manifest),
        intervals=intervals,
        reasons=unobserved(scores, intervals, calibration),
        label_set=label_set(scores, calibration),
        set_coverage=calibration.conformal_coverage,
        entropy=float(entropy(p, axis=0)),
        log_odds={label: float(v) for label, v in zip(labels, log_odds(z), strict=True)},
    )


def calibrated(
    logits: NDArray[np.floating], calibration: Calibration, labels: Sequence[str] = ()
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scaled logits and the probabilities that they give, both ``(..., labels)``, of ``logits`` of that shape.

    A curve of one of two classes, by its place in ``labels``, bends the log odds between them.
    """
    z = logits.astype(np.float64) / calibration.temperature
    if calibration.vector:
        z = z * [s.slope for s in calibration.vector] + [s.intercept for s in calibration.vector]
    for label, curve in calibration.curves.items():
        k = list(labels).index(label)
        odds = z[..., k] - z[..., 1 - k]
        z = np.zeros_like(z)
        z[..., k] = np.vectorize(lambda value, curve=curve: curved(value, curve), otypes=[float])(odds)
    return z, np.asarray(softmax(z, axis=-1), np.float64)


def label_set(scores: Mapping[str, float], calibration: Calibration) -> tuple[str, ...]:
    """The conformal set of calibrated ``scores``: by one quantile per class where the package has them, never empty
    then; by one for all (format 1), where an empty set means that no class is likely enough; () without either."""
    if calibration.conformal_quantiles:
        quantiles = calibration.conformal_quantiles
        chosen = tuple(k for k, score in scores.items() if 1 - score <= quantiles.get(k, np.inf))
        return chosen or (max(scores, key=lambda k: scores[k]),)
    quantile = calibration.conformal_quantile
    return tuple(k for k, score in scores.items() if quantile is not None and 1 - score <= quantile)


def decide_label(probability: NDArray[np.floating], manifest: Manifest) -> str:
    """The class of ``probability`` ``(labels,)``: the one with an operating point where it reaches its threshold,
    else the likeliest of the others; without an operating point the likeliest of all. Where every class has one, the
    class whose probability is the largest multiple of its threshold."""
    by_label = dict(zip(manifest.labels, probability, strict=True))
    if len(manifest.operating_points) == len(by_label):
        points = manifest.operating_points
        return max(by_label, key=lambda label: by_label[label] / points[label].threshold)
    for label, point in manifest.operating_points.items():
        if by_label[label] >= point.threshold:
            return label
    rest = [label for label in manifest.labels if label not in manifest.operating_points]
    return max(rest, key=lambda label: by_label[label])
