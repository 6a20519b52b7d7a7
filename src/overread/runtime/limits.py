"""The input gate: is this the kind of image that the package was made and tested for?"""

from __future__ import annotations

from overread.imaging.grid.geometry import axis_codes
from overread.imaging.image import Image
from overread.runtime.manifest import Manifest
from overread.runtime.prediction import Breach

TOLERANCE_MM = 1e-3


def breaches(image: Image, manifest: Manifest) -> tuple[Breach, ...]:
    """Every declared limit that ``image`` breaks; empty when it may be answered.

    A property that the image does not state (no modality, no age) breaks no limit.
    """
    limits, dimensions = manifest.limits, manifest.preprocess.dimensions
    found: list[Breach] = []
    if len(image.spatial) != dimensions:
        return (Breach("DIMENSIONS", f"{len(image.spatial)} spatial axes", f"{dimensions} spatial axes"),)
    if manifest.preprocess.color == "as_is" and len(image.array) != len(manifest.channels):
        names = ", ".join(c.name for c in manifest.channels)
        found.append(
            Breach("CHANNELS", f"{len(image.array)} channels", f"{len(manifest.channels)} ({names})")
        )
    if limits.modality and image.modality and image.modality not in limits.modality:
        found.append(Breach("MODALITY", image.modality, " or ".join(limits.modality)))
    part = str(image.source.get("BodyPartExamined") or "").upper()
    if limits.body_part and part and part not in limits.body_part:
        found.append(Breach("BODY_PART", part, " or ".join(limits.body_part)))
    age = image.source.get("age_years")
    if limits.age_years and age is not None and not limits.age_years[0] <= age <= limits.age_years[1]:
        found.append(
            Breach("AGE", f"{age:.3g} years", f"{limits.age_years[0]:g} to {limits.age_years[1]:g} years")
        )
    order = _canonical_axes(image)
    if limits.size:
        size = [image.spatial[a] for a in order]
        if any(not low <= n <= high for n, (low, high) in zip(size, limits.size, strict=True)):
            found.append(
                Breach("SIZE", _times(size), " x ".join(f"{a} to {b}" for a, b in limits.size) + " pixels")
            )
    if limits.spacing_mm:
        spacing = [image.spacing[a] for a in order]
        pairs = zip(spacing, limits.spacing_mm, strict=True)
        if any(not low - TOLERANCE_MM <= s <= high + TOLERANCE_MM for s, (low, high) in pairs):
            expected = " x ".join(f"{a:.3g} to {b:.3g}" for a, b in limits.spacing_mm) + " mm"
            found.append(Breach("SPACING", " x ".join(f"{s:.3g}" for s in spacing) + " mm", expected))
    return tuple(found)


def _times(size: list[int]) -> str:
    return " x ".join(map(str, size)) + " pixels"


def _canonical_axes(image: Image) -> list[int]:
    """Order of the image's axes as (left-right, back-front, foot-head) for volumes, as stored in 2D."""
    if len(image.spatial) == 2:
        return [0, 1]
    codes = axis_codes(image.affine)
    return [next(a for a, code in enumerate(codes) if code in pair) for pair in ("RL", "AP", "SI")]
