"""Images whose values stand apart: clipped, almost blank, of another brightness or contrast; burned-in text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from overread.cohort.checks.inspection import Inspection
from overread.cohort.finding import Finding, Severity, some

CLIPPED = 0.05
"""Share of pixels at the very highest value from which an image counts as clipped."""
BLANK = 0.995
"""Share of pixels of one value from which an image counts as almost blank."""
USUAL = 0.2
"""What more of the images than this have in common is how the set is, and no fault of single ones."""
FEWEST = 20
APART = 6.0
"""Robust standard deviations; one in 500 million normal values lies further off."""


def check_pixels(inspections: Sequence[Inspection]) -> list[Finding]:
    """Warnings for clipped and almost blank images, or facts where most of the set is like that."""
    seen = [s for s in inspections if not s.problem and not s.constant]
    clipped = [s for s in seen if s.measured.top > CLIPPED]
    blank = [s for s in seen if s.measured.most >= BLANK]
    findings = _share(
        "image.clipped",
        f"over {CLIPPED:.0%} of the pixels at the highest value: what was brighter is lost",
        clipped,
        seen,
    )
    return findings + _share(
        "image.almost_blank", f"one value in {BLANK:.1%} of the pixels or more", blank, seen
    )


def check_text(inspections: Sequence[Inspection]) -> list[Finding]:
    """Text burned into the pixels, as the file declares or as strokes in the picture show: it may name a patient."""
    seen = [s for s in inspections if not s.problem]
    declared = [s for s in seen if s.facts.get("BurnedInAnnotation", "").upper() == "YES"]
    drawn = [s for s in seen if s.measured.characters]
    findings = []
    if declared:
        names = tuple(s.case.case for s in declared)
        message = f"{_have(names)} burned-in annotation by their own account (0028,0301): {some(names)}"
        findings.append(Finding("image.text_declared", "warning", message, names))
    if drawn:
        names = tuple(s.case.case for s in drawn)
        message = (
            f"{_have(names)} what looks like text burned into the pixels: {some(names)}; a model may read it, and it "
            "may name a patient"
        )
        findings.append(Finding("image.text", "warning", message, names))
    return findings


def check_intensity(inspections: Sequence[Inspection]) -> list[Finding]:
    """Warnings for images of much other brightness or contrast than the rest, by robust z-score within modality."""
    findings = []
    for modality in sorted({s.modality for s in inspections if not s.problem}):
        seen = [s for s in inspections if not s.problem and not s.constant and s.modality == modality]
        seen = [s for s in seen if np.isfinite((s.measured.spread, s.measured.middle)).all()]
        if len(seen) < FEWEST:
            continue
        spread = np.array([s.measured.spread for s in seen])
        middle = np.array([s.measured.middle for s in seen])
        # Contrast is a matter of ratios; brightness is judged on the scale of the usual contrast.
        contrast = robust_z(
            np.log(np.maximum(spread, 1e-6 * max(float(np.median(spread)), 1e-12))), least=0.1
        )
        brightness = robust_z(middle, least=0.1 * max(float(np.median(spread)), 1e-12))
        for what, z in (("brightness", brightness), ("contrast", contrast)):
            apart = np.flatnonzero(np.abs(z) > APART)
            if len(apart) and len(apart) <= USUAL * len(seen):
                order = apart[np.argsort(-np.abs(z[apart]))]
                names = tuple(seen[i].case.case for i in order)
                worst = ", ".join(f"{seen[i].case.case} ({z[i]:+.0f})" for i in order[:3])
                rest = f" and {len(order) - 3} more" if len(order) > 3 else ""
                message = (
                    f"{_have(names)} a {what} over {APART:g} robust standard deviations from the others': "
                    f"{worst}{rest}"
                )
                findings.append(Finding(f"image.{what}_apart", "warning", message, names))
    return findings


def robust_z(values: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """Distance from the median in units of 1.4826 times the median absolute deviation, which is taken as ``least``
    where it is smaller (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993)."""
    away = values - np.median(values)
    return np.asarray(away / max(1.4826 * float(np.median(np.abs(away))), least))


def _share(code: str, what: str, found: Sequence[Inspection], seen: Sequence[Inspection]) -> list[Finding]:
    if not found:
        return []
    names = tuple(s.case.case for s in found)
    severity: Severity = "info" if len(found) > max(USUAL * len(seen), 1) else "warning"
    return [Finding(code, severity, f"{_have(names)} {what}: {some(names)}", names)]


def _have(names: Sequence[str]) -> str:
    return "1 image has" if len(names) == 1 else f"{len(names)} images have"
