"""Several findings side by side: the whole image in, a calibrated probability of each finding out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from overread.runtime.answer import Findings
from overread.runtime.manifest import Manifest
from overread.runtime.outputs import Network, Outputs
from overread.runtime.preprocess import Prepared
from overread.runtime.probability import curved, observed, scaled, sigmoid, unobserved
from overread.runtime.tasks.whole import label_logits
from overread.runtime.uncertainty.pool import FINDINGS, Pool

OUTPUTS: tuple[str, ...] = ("logits",)
DECODING: Mapping[str, float] = {}
POOL: Pool | None = FINDINGS


def raw(network: Network, prepared: Prepared, manifest: Manifest, /, *, maps: bool = False) -> Outputs:
    """``logits (findings,)`` of the whole image. Raises InputError for a network of other findings."""
    return label_logits(network, prepared, manifest)


def answer(raw: Outputs, prepared: Prepared, manifest: Manifest, /) -> Findings:
    """``sigmoid(slope * logit + intercept)`` of each finding (Platt 1999), held against its own threshold."""
    calibration, points = manifest.calibration, manifest.operating_points
    odds = {
        label: curved(float(z), calibration.curves[label])
        if label in calibration.curves
        else scaled(z, calibration.scales.get(label))
        for label, z in zip(manifest.labels, raw["logits"], strict=True)
    }
    p = sigmoid(np.array(list(odds.values())))
    scores = {label: float(v) for label, v in zip(odds, p, strict=True)}
    limits = {label: observed(label, score, calibration) for label, score in scores.items()}
    intervals = {label: i for label, i in limits.items() if i is not None}
    return Findings(
        scores=scores,
        thresholds={label: points[label].threshold for label in manifest.labels if label in points},
        present=tuple(
            label for label, score in scores.items() if label in points and score >= points[label].threshold
        ),
        intervals=intervals,
        reasons=unobserved(scores, intervals, calibration),
        log_odds=odds,
    )
