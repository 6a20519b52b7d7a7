"""What the tuning patients decide: temperature, threshold, conformal set, error of volumes. Never the test patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.cohort import Case
from overread.cohort.load import load_case
from overread.cohort.masks import read_mask
from overread.runtime.manifest import Calibration, OperatingPoint
from overread.runtime.package import Package
from overread.runtime.predict import count_components, logits_of, predict, softmax, unit_volume
from overread.runtime.preprocess import prepare
from overread.stats.calibration import conformal_lac_quantile, fit_temperature
from overread.stats.intervals import proportion_ci
from overread.stats.roc import operating_point

COVERAGE = 0.9
BINS = 10
# Fewer tuning cases than this say nothing about the tails of an error: then no interval is stated.
FEWEST_CASES = 5


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
        bins=score_bins(p, y),
        conformal_coverage=COVERAGE,
        conformal_quantile=float(conformal_lac_quantile(p[np.arange(len(y)), y], COVERAGE)),
        cases=len(y),
    )
    point = None
    if manifest.positive is not None:
        k = manifest.labels.index(manifest.positive)
        chosen = operating_point((y == k).astype(int), p[:, k], rule)
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


def score_bins(p: NDArray[np.floating], y: NDArray[np.integer]) -> list[tuple[float, float, float, float]]:
    """How often a class with such a score was the true one: 90% Wilson limits in bins of equal case numbers.

    ``p`` is ``(cases, labels)``; the scores of all classes are pooled, so that few bins are thin.
    """
    score = p.ravel()
    true = (np.arange(p.shape[1])[None, :] == y[:, None]).ravel()
    edges = np.unique(np.quantile(score, np.linspace(0, 1, BINS + 1)))
    edges[0], edges[-1] = 0.0, 1.0
    rows: list[tuple[float, float, float, float]] = []
    for low, high in pairwise(edges):
        inside = (score >= low) & ((score < high) | (high == 1.0))
        if inside.any():
            ci = proportion_ci(int(true[inside].sum()), int(inside.sum()), confidence=0.9)
            rows.append((float(low), float(high), ci.low, ci.high))
    return rows


def calibrate_segmentation(
    package: Package, cases: Sequence[Case], advance: Callable[[], None]
) -> tuple[Calibration, dict[str, Any]]:
    """Errors of volumes and counts on the tuning cases, as quantiles for the intervals of later answers."""
    manifest = package.manifest
    foreground = list(enumerate(manifest.labels))[1:]
    ratios: dict[str, list[float]] = {label: [] for _, label in foreground}
    missed: dict[str, list[float]] = {label: [] for _, label in foreground}
    volumes: dict[str, list[float]] = {label: [] for _, label in foreground}
    counts: dict[str, list[float]] = {label: [] for label in manifest.counted_labels}
    for case in cases:
        image = load_case(case)
        truth = read_mask(case, image)
        prediction = predict(package, image)
        advance()
        if prediction.mask is None:
            continue
        _, _, per_voxel = unit_volume(image)
        for k, label in foreground:
            found, real = int((prediction.mask == k).sum()), int((truth == k).sum())
            volumes[label].append(found * per_voxel)
            missed[label].append(max(0, real - found) * per_voxel)
            if found and real:
                ratios[label].append(real / found)
            if label in counts:
                counts[label].append(
                    float(count_components(truth == k) - count_components(prediction.mask == k))
                )
    calibration = Calibration(
        volume_ratio={label: _outer(v) for label, v in ratios.items() if len(v) >= FEWEST_CASES},
        count_difference={label: _outer(v) for label, v in counts.items() if len(v) >= FEWEST_CASES},
        missed_volume={label: _outer(v)[1] for label, v in missed.items() if len(v) >= FEWEST_CASES},
        cases=len(cases),
    )
    reference = {
        "volume": {label: np.quantile(v, np.linspace(0, 1, 11)).tolist() for label, v in volumes.items() if v}
    }
    return calibration, reference


def _outer(values: Sequence[float]) -> tuple[float, float]:
    """Split-conformal 5% and 95% limits: the order statistics that keep 90% coverage with this many cases.

    With fewer than 19 cases the smallest and largest value seen are the widest statement that can be made.
    """
    x = np.sort(values)
    n = len(x)
    low = max(0, int(np.floor((n + 1) * 0.05)) - 1)
    high = min(n - 1, int(np.ceil((n + 1) * 0.95)) - 1)
    return float(x[low]), float(x[high])
