"""The report's words: names of measures with what they are about, numbers, where each interval comes from."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from overread.evaluate.metrics import METRICS, title

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
    "betting": "Betting: limits of the mean of few bounded values that cover whatever their distribution (Waudby-Smith "
    "and Ramdas 2024); fewer than 15 patients.",
    "Student's t": "Student's t: of the mean of few values without bounds, fewer than 15 patients.",
    "MOVER": "MOVER: limits of a difference from those of its parts (Zou and Donner 2008).",
    "non-central t": "Exact, non-central t: of limits of agreement (Carkeet 2015).",
    "log method": "Log method: limits on the log scale (Simel et al. 1991; Woolf 1955).",
}


def metric_name(metric: str, label: str | None) -> str:
    """Full name of a measure, with the structure, class or finding it is about."""
    if metric in METRICS:
        return title(METRICS[metric], label)
    name = metric.replace("_", " ")
    return f"{name}, {label}" if label is not None else name


def meanings(metrics: Iterable[str]) -> list[tuple[str, str]]:
    """Name and meaning of each kind of measure among ``metrics``, once each, in their order."""
    known = [METRICS[key] for key in dict.fromkeys(metrics) if key in METRICS]
    return [(metric.name, metric.meaning) for metric in known]


def method_notes(methods: Iterable[str]) -> list[str]:
    """One sentence for each kind of interval named in ``methods``."""
    text = " / ".join(methods)
    return [note for name, note in _METHODS.items() if name in text]


def number(value: float | None) -> str:
    """A number for people: three decimals below 10, fewer above; a dash for none."""
    if value is None:
        return "–"
    if not math.isfinite(value):
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
