"""Sizes, spacings, channels and modalities: their range, and cases that stand apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from overread.cohort.checks.inspection import Inspection
from overread.cohort.finding import Finding, some

# A case this many times larger or smaller than the median is probably of another kind.
APART = 2.0


def check_geometry(inspections: Sequence[Inspection]) -> list[Finding]:
    """2D mixed with 3D is blocking; other mixtures and outliers are warnings; ranges are facts."""
    seen = [s for s in inspections if not s.problem]
    if not seen:
        return []
    findings = []
    axes = Counter(len(s.shape) for s in seen)
    if len(axes) > 1:
        rare = min(axes, key=lambda a: axes[a])
        names = tuple(s.case.case for s in seen if len(s.shape) == rare)
        counts = " and ".join(f"{n} in {a}D" for a, n in sorted(axes.items()))
        message = f"images are mixed: {counts}, such as {some(names)}; make two cohorts"
        return [Finding("image.dimensions", "blocking", message, names)]
    findings += _mixed("image.channels", "channels", [str(s.channels) for s in seen], seen)
    findings += _mixed("image.modality", "modality", [s.modality or "unknown" for s in seen], seen)
    findings += _range("image.size", "size", "voxels", np.array([s.shape for s in seen]), seen)
    findings += _range("image.spacing", "spacing", "mm", np.array([s.spacing for s in seen]), seen)
    notes = Counter(note for s in seen for note in set(s.notes))
    for note, n in notes.most_common():
        names = tuple(s.case.case for s in seen if note in s.notes)
        findings.append(Finding("image.note", "info", f"{n} of {len(seen)} images: {note}", names))
    return findings


def _mixed(code: str, what: str, values: Sequence[str], seen: Sequence[Inspection]) -> list[Finding]:
    counts = Counter(values)
    common = counts.most_common(1)[0][0]
    shown = ", ".join(f"{v} ({n})" for v, n in counts.most_common())
    if len(counts) == 1:
        return [Finding(code, "info", f"{what}: {shown}")]
    names = tuple(s.case.case for s, v in zip(seen, values, strict=True) if v != common)
    return [Finding(code, "warning", f"{what} differ: {shown}, such as {some(names)}", names)]


def _range(code: str, what: str, unit: str, values: np.ndarray, seen: Sequence[Inspection]) -> list[Finding]:
    middle = np.median(values, axis=0)
    low, high = (" x ".join(f"{v:.4g}" for v in edge) for edge in (values.min(axis=0), values.max(axis=0)))
    shown = low if low == high else f"{low} to {high}"
    findings = [Finding(code, "info", f"{what}: {shown} {unit}")]
    apart = (np.maximum(values / middle, middle / values) > APART).any(axis=1)
    if apart.any():
        names = tuple(s.case.case for s, odd in zip(seen, apart, strict=True) if odd)
        median = " x ".join(f"{v:.4g}" for v in middle)
        message = (
            f"{len(names)} images have a {what} {APART:g} times off the median {median} {unit}: {some(names)}"
        )
        findings.append(Finding(f"{code}_apart", "warning", message, names))
    return findings
