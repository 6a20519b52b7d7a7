"""What the tuning patients decide: temperature, threshold, conformal set, error of volumes. Never the test patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.cohort import Case
from overread.cohort.load import load_case
from overread.cohort.masks import read_mask
from overread.runtime.manifest import Calibration, OperatingPoint, ScoreBin, Spread
from overread.runtime.package import Package
from overread.runtime.predict import count_components, logits_of, predict, softmax, unit_volume
from overread.runtime.preprocess import prepare
from overread.stats.calibration import conformal_lac_quantile, fit_temperature, reliability_curve
from overread.stats.intervals import PredictionLimits, prediction_limits, ratio_prediction_limits
from overread.stats.roc import operating_point

COVERAGE = 0.9
BINS = 10
# Fewer tuning cases than this say nothing about the tails of an error: then no interval is stated.
FEWEST_CASES = 9
CASES_PER_BIN = 20


def calibrate_classification(
    package: Package, cases: Sequence[Case], rule: str, advance: Callable[[], None]
) -> tuple[Calibration, OperatingPoint | None, dict[str, Any]]:
    """Temperature (Guo 2017), LAC quantile (Sadinle 2019), interval of each score, threshold by ``rule``."""
    manifest = package.manifest
    logits = []
    for case in cases:
        logits.append(logits_of(package, prepare(load_case(case), manifest.preprocess)))
        advance()
    y = np.array([manifest.labels.index(str(c.label)) for c in cases])
    z = np.stack(logits)
    temperature = float(fit_temperature(z, y))
    p = softmax(z / temperature, axis=1)
    calibration = Calibration(
        temperature=temperature,
        bins={label: score_bins(p[:, k], y == k) for k, label in enumerate(manifest.labels)},
        conformal_coverage=COVERAGE,
        conformal_quantile=float(conformal_lac_quantile(p[np.arange(len(y)), y], coverage=COVERAGE)),
        cases=len(y),
    )
    point = None
    if manifest.positive is not None:
        k = manifest.labels.index(manifest.positive)
        chosen = operating_point((y == k).astype(int), p[:, k], rule=rule)
        point = OperatingPoint(
            rule=rule,
            threshold=float(chosen.threshold),
            sensitivity=chosen.sensitivity.as_dict(),
            specificity=chosen.specificity.as_dict(),
        )
    quantiles = np.quantile(p, np.linspace(0, 1, 21), axis=0)
    reference = {
        "score_quantiles": {
            label: quantiles[:, k].round(6).tolist() for k, label in enumerate(manifest.labels)
        }
    }
    return calibration, point, reference


def score_bins(p: NDArray[np.floating], truth: NDArray[np.bool_]) -> list[ScoreBin]:
    """How often a class with such a score was the true one: 90% Wilson limits in bins of equal case numbers.

    ``p`` are the scores of one class ``(cases,)``, ``truth`` whether it was the true one.
    """
    wanted = int(np.clip(len(p) // CASES_PER_BIN, 1, BINS))
    return [
        ScoreBin(
            low=part.low,
            high=part.high,
            observed_low=part.observed.low,
            observed_high=part.observed.high,
            cases=part.n,
        )
        for part in reliability_curve(truth, p, bins=wanted, binning="equal-mass", confidence=0.9)
    ]


def calibrate_segmentation(
    package: Package, cases: Sequence[Case], advance: Callable[[], None]
) -> tuple[Calibration, dict[str, Any]]:
    """Errors of volumes and counts on the tuning cases, as quantiles for the intervals of later answers."""
    manifest = package.manifest
    foreground = list(enumerate(manifest.labels))[1:]
    pairs: dict[str, list[tuple[float, float]]] = {label: [] for _, label in foreground}
    counts: dict[str, list[float]] = {label: [] for label in manifest.counted_labels}
    for case in cases:
        image = load_case(case)
        truth = read_mask(case, image, labels=len(manifest.labels))
        prediction = predict(package, image)
        advance()
        if prediction.mask is None:
            continue
        _, _, per_voxel = unit_volume(image)
        for k, label in foreground:
            found, real = prediction.mask == k, truth == k
            pairs[label].append((int(found.sum()) * per_voxel, int(real.sum()) * per_voxel))
            if label in counts:
                counts[label].append(float(count_components(real) - count_components(found)))
    ratios = {label: volume_error(np.array(v)) for label, v in pairs.items() if v}
    calibration = Calibration(
        volume_ratio={label: spread for label, spread in ratios.items() if spread is not None},
        count_difference={
            label: s for label, v in counts.items() if (s := spread_of(np.array(v))) is not None
        },
        cases=len(cases),
    )
    levels = np.linspace(0, 1, 11)
    reference = {
        "volume": {label: np.quantile(np.array(v)[:, 0], levels).tolist() for label, v in pairs.items() if v}
    }
    return calibration, reference


def volume_error(pairs: NDArray[np.floating]) -> Spread | None:
    """Spread of true over found volume; ``pairs`` is ``(cases, 2)`` of found and true volume.

    None with fewer than `FEWEST_CASES`, or with nothing there in any case.
    """
    if len(pairs) < FEWEST_CASES or not (pairs[:, 1] > 0).any():
        return None
    return _spread(ratio_prediction_limits(pairs[:, 0], pairs[:, 1], coverage=COVERAGE))


def spread_of(errors: NDArray[np.floating]) -> Spread | None:
    """Limits that cover the error of a further case, None with fewer than `FEWEST_CASES`."""
    return None if len(errors) < FEWEST_CASES else _spread(prediction_limits(errors, coverage=COVERAGE))


def _spread(limits: PredictionLimits) -> Spread:
    return Spread(
        low=limits.low, high=limits.high, coverage=limits.coverage, cases=limits.n, offset=limits.offset
    )
