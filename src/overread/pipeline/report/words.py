"""The report's words: full names of metrics, what each measures, where each interval comes from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

_NAMES = {
    "auroc": "Area under the ROC curve",
    "auroc_macro": "Area under the ROC curve, mean over classes",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "Positive predictive value",
    "npv": "Negative predictive value",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "brier": "Brier score",
    "ece": "Expected calibration error",
    "dice": "Dice coefficient",
    "iou": "Intersection over union",
    "hd95": "95% Hausdorff distance",
    "volume_error": "Volume error",
    "lesion_sensitivity": "Lesion sensitivity",
    "lesion_precision": "Lesion precision",
    "lesion_f1": "Lesion F1",
    "false_lesions_per_case": "False lesions per case",
    "answered": "Answered",
}

_MEANINGS = {
    "auroc": "The chance that a patient with the finding scores above one without; ties count half. "
    "0.5 is chance, 1 perfect.",
    "auroc_macro": "One class against the rest, averaged over the classes.",
    "sensitivity": "Share of cases with the finding that were called positive, at the fixed threshold.",
    "specificity": "Share of cases without the finding that were called negative, at the fixed threshold.",
    "ppv": "Share of positive calls that were right. Holds only at this share of positive cases.",
    "npv": "Share of negative calls that were right. Holds only at this share of positive cases.",
    "accuracy": "Share of cases decided rightly. Depends on how common each class is.",
    "balanced_accuracy": "Mean over the classes of the share decided rightly.",
    "brier": "Mean squared error of the probabilities; 0 is perfect.",
    "ece": "Mean gap between probability and observed frequency, by bins of probability; 0 is perfect.",
    "dice": "Overlap of found and reference, twice the common part over the sum of both; 1 is perfect. "
    "Both empty counts 1, one empty 0: a missed structure lowers the mean.",
    "iou": "Common part over the union of found and reference; 1 is perfect.",
    "hd95": "How far the boundaries lie apart, 95th percentile, the larger of both directions. Boundary: "
    "voxels with a face neighbour outside; distances between voxel centres. A missed structure counts "
    "with the diagonal of the image.",
    "volume_error": "Found minus true volume; positive is too large. Opposite errors cancel in the mean.",
    "lesion_sensitivity": "Share of true lesions of which at least one voxel was found, all cases pooled.",
    "lesion_precision": "Share of found lesions with at least one voxel in a true one, all cases pooled.",
    "lesion_f1": "2 found / (2 found + false + missed) over the lesions of all cases.",
    "false_lesions_per_case": "Found lesions without a true voxel, per case.",
    "answered": "Share of test cases inside the package's declared input limits; the others got a coded "
    "reason, no result, and take no part in the other measures.",
}

_METHODS = {
    "Wilson": "Wilson: score interval of a proportion (Wilson 1927).",
    "Clopper-Pearson": "Clopper-Pearson: exact interval of a proportion (Clopper and Pearson 1934).",
    "Korn-Graubard": "Korn-Graubard: where patients have several images, these count as the number of independent "
    "cases that they are worth (Korn and Graubard 1998).",
    "DeLong": "DeLong: variance of the area under the ROC curve from mid-ranks (DeLong et al. 1988), limits "
    "on the logit scale where said.",
    "Newcombe": "Newcombe: limits of the area under the ROC curve where DeLong's variance is zero, as with "
    "perfect separation (Newcombe 2006, method 5), or of Youden's index (Newcombe 1998, method 10).",
    "bootstrap": "Bootstrap: resamples of the cases, with a fixed seed. Of clusters: whole patients are "
    "drawn, where patients have several images.",
    "percentile": "Percentile: limits are quantiles of the resampled values.",
    "BCa": "BCa: quantiles corrected for bias and skewness (Efron 1987).",
    "basic": "Basic: resampled quantiles mirrored at the estimate, for measures that resampling shifts.",
    "log method": "Log method: limits on the log scale (Simel et al. 1991; Woolf 1955).",
}


def metric_base(key: str) -> str:
    """The measure behind a metric's key: ``dice_hippocampus`` is a ``dice``. The key itself if unknown."""
    known = [name for name in _NAMES if key == name or key.startswith(f"{name}_")]
    return max(known, key=len, default=key)


def metric_name(key: str) -> str:
    """Full name of a metric, with the structure or class it is about."""
    base = metric_base(key)
    if base not in _NAMES:
        return key.replace("_", " ")
    if key == "dice":
        return "Mean Dice coefficient"
    of = key.removeprefix(base).removeprefix("_")
    return f"{_NAMES[base]}, {of}" if of else _NAMES[base]


def meanings(keys: Iterable[str]) -> list[tuple[str, str]]:
    """Name and meaning of each kind of measure among ``keys``, once each, in their order."""
    bases = dict.fromkeys(metric_base(key) for key in keys)
    return [(_NAMES[base], _MEANINGS[base]) for base in bases if base in _MEANINGS]


def method_notes(methods: Iterable[str]) -> list[str]:
    """One sentence for each kind of interval named in ``methods``."""
    text = " / ".join(methods)
    return [note for name, note in _METHODS.items() if name in text]


def number(value: float | None) -> str:
    """A number for people: three decimals below 10, fewer above; a dash for none."""
    if value is None:
        return "–"
    size = abs(value)
    decimals = 3 if size < 10 else 1 if size < 1000 else 0
    text = f"{value:,.{decimals}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) else text.lstrip("-")


def interval(row: dict[str, Any]) -> str:
    """``0.912 (0.884 to 0.937)`` of a row with estimate, low and high."""
    return f"{number(row['estimate'])} ({number(row['low'])} to {number(row['high'])})"


def moment(text: str) -> str:
    """An ISO time as ``2026-11-20 10:00 UTC``; any other text as it is."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if when.tzinfo else text


def duration(seconds: float) -> str:
    """Seconds as ``0.4 s``, ``42 s`` or ``3 min 12 s``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
