"""predict(package, image): the one function that is validated and the one that answers in the clinic."""

from __future__ import annotations

import time
from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray

from overread.imaging.grid.geometry import voxel_volume
from overread.imaging.image import Image
from overread.runtime.engine import engine_of
from overread.runtime.limits import breaches
from overread.runtime.manifest import Calibration, Manifest, Spread
from overread.runtime.package import Package
from overread.runtime.prediction import Measurement, Outcome, Prediction
from overread.runtime.preprocess import Prepared, decide, prepare
from overread.runtime.sliding_window import sliding_window


def predict(package: Package, image: Image) -> Prediction:
    """Answer one image.

    Parameters
    ----------
    package
        A verified package.
    image
        All channels of one examination, in the package's order, on one grid.

    Returns
    -------
    Prediction
        With outcome ``out_of_limits`` and no score where the image breaks a declared limit.
    """
    began = time.perf_counter()
    manifest = package.manifest
    common: dict[str, Any] = {
        "task": manifest.task,
        "package": manifest.name,
        "package_version": manifest.version,
        "package_sha256": package.sha256,
        "quality": _quality(image),
        "notes": image.notes,
    }
    broken = breaches(image, manifest)
    if broken:
        return Prediction(
            Outcome.OUT_OF_LIMITS, breaches=broken, seconds=time.perf_counter() - began, **common
        )
    prepared = prepare(image, manifest.preprocess)
    common["notes"] = prepared.notes
    if manifest.task == "classification":
        result = _classify(package, prepared)
    else:
        result = _segment(package, prepared)
    return Prediction(Outcome.OK, seconds=time.perf_counter() - began, **common, **result)


def softmax(logits: NDArray[np.floating], axis: int) -> NDArray[np.float32]:
    """Probabilities along ``axis``, computed without overflow."""
    e = np.exp(logits - logits.max(axis=axis, keepdims=True))
    p: NDArray[np.float32] = (e / e.sum(axis=axis, keepdims=True)).astype(np.float32)
    return p


def logits_of(package: Package, prepared: Prepared) -> NDArray[np.float32]:
    """Classification: the network's raw output ``(labels,)`` for one prepared image."""
    return engine_of(package)(prepared.array[None])[0]


def probability_of(package: Package, prepared: Prepared) -> NDArray[np.float32]:
    """Segmentation: class probabilities ``(labels, *grid)`` of one prepared image, windows blended."""
    engine, windows = engine_of(package), package.manifest.windows
    if windows is None:
        return softmax(engine(prepared.array[None])[0], axis=0)
    return sliding_window(prepared.array, windows.size, windows.overlap, lambda b: softmax(engine(b), axis=1))


def decide_label(probability: NDArray[np.floating], manifest: Manifest) -> str:
    """The class of ``probability`` ``(labels,)``: by the operating point where there is one, else the likeliest."""
    point, positive = manifest.operating_point, manifest.positive
    if point is None or positive is None:
        return manifest.labels[int(probability.argmax())]
    k = manifest.labels.index(positive)
    if probability[k] >= point.threshold:
        return positive
    rest = [label for label in manifest.labels if label != positive]
    return max(rest, key=lambda label: probability[manifest.labels.index(label)])


def _classify(package: Package, prepared: Prepared) -> dict[str, Any]:
    manifest = package.manifest
    calibration, labels = manifest.calibration, manifest.labels
    p = softmax(logits_of(package, prepared) / calibration.temperature, axis=0)
    intervals = {
        label: _bin_interval(label, float(v), calibration) for label, v in zip(labels, p, strict=True)
    }
    quantile = calibration.conformal_quantile
    return {
        "scores": {label: float(v) for label, v in zip(labels, p, strict=True)},
        "score_intervals": {label: i for label, i in intervals.items() if i is not None},
        "label": decide_label(p, manifest),
        "label_set": tuple(
            label for label, v in zip(labels, p, strict=True) if quantile is not None and 1 - v <= quantile
        ),
        "set_coverage": calibration.conformal_coverage,
        "uncertainty": {"entropy": _entropy(p, axis=0).item()},
    }


def _segment(package: Package, prepared: Prepared) -> dict[str, Any]:
    probability = probability_of(package, prepared)
    mask = decide(probability, prepared)
    found = probability[0] < 0.5
    entropy = _entropy(probability[:, found], axis=0)
    return {
        "mask": mask,
        "measurements": measure(mask, prepared.original, package.manifest),
        "uncertainty": {"entropy_in_mask": float(entropy.mean()) if entropy.size else 0.0},
    }


def count_components(mask: NDArray[np.bool_]) -> int:
    """Number of separate parts, with diagonal neighbours connected (26 in 3D, 8 in 2D)."""
    return int(cc3d.connected_components(mask, connectivity=26 if mask.ndim == 3 else 8, return_N=True)[1])


def unit_volume(image: Image) -> tuple[str, str, float]:
    """What is measured on ``image``, its unit, and how much of it one voxel is.

    Volume in ml; in 2D area in mm2, or in pixels where the file states no pixel spacing.
    """
    if len(image.spatial) == 3:
        return "volume", "ml", voxel_volume(image.affine) / 1000
    if image.source.get("spacing_known", True):
        return "area", "mm2", float(np.prod(image.spacing))
    return "area", "{pixels}", 1.0


def measure(mask: NDArray[np.uint8], image: Image, manifest: Manifest) -> tuple[Measurement, ...]:
    """Volume or area (see `unit_volume`) and, for counted labels, number of parts, with prediction intervals.

    The limits say where the true value of a further case lies, from the errors of the tuning cases; where these
    were biased the interval need not hold the estimate. Without enough tuning cases there are none.
    """
    out = []
    calibration = manifest.calibration
    name, unit, per_voxel = unit_volume(image)
    for k, label in enumerate(manifest.labels[1:], 1):
        part = mask == k
        size = int(part.sum()) * per_voxel
        error = calibration.volume_ratio.get(label)
        ends = [(size + error.offset) * r - error.offset for r in (error.low, error.high)] if error else None
        out.append(_measurement(label, name, size, ends, unit, error))
        if label in manifest.counted_labels:
            n = count_components(part)
            error = calibration.count_difference.get(label)
            ends = [n + error.low, n + error.high] if error else None
            out.append(_measurement(label, "count", n, ends, "1", error))
    return tuple(out)


def _measurement(
    label: str, name: str, value: float, ends: list[float] | None, unit: str, error: Spread | None
) -> Measurement:
    if ends is None or error is None:
        return Measurement(label, name, value, None, None, unit)
    return Measurement(label, name, value, max(0.0, ends[0]), max(0.0, ends[1]), unit, error.coverage)


def _bin_interval(label: str, score: float, calibration: Calibration) -> tuple[float, float] | None:
    for part in calibration.bins.get(label, []):
        if part.low <= score <= part.high:
            return part.observed_low, part.observed_high
    return None


def _entropy(p: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Entropy of probabilities relative to its largest possible value: 0 sure, 1 no idea."""
    h: NDArray[np.float32] = -(p * np.log(np.maximum(p, 1e-12))).sum(axis=axis) / np.log(p.shape[axis])
    return h


def _quality(image: Image) -> dict[str, Any]:
    quality: dict[str, Any] = {
        "size": list(image.spatial),
        "spacing_mm": [round(s, 4) for s in image.spacing],
    }
    quality["modality"] = image.modality or "unknown"
    if image.source.get("age_years") is not None:
        quality["age_years"] = image.source["age_years"]
    return quality
