"""The input gate: is this the kind of image that the package was made and tested for?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from overread.imaging.grid.bounds import GridTooLargeError
from overread.imaging.image import Image
from overread.imaging.intensity.uptake import missing_suv
from overread.runtime.looks import distance, looks
from overread.runtime.manifest import Manifest
from overread.runtime.prediction import Breach
from overread.runtime.preprocess import oriented_grid, target_size
from overread.runtime.reference import canonical_axes, colored_share, input_percentiles

TOLERANCE_MM = 1e-3
NOT_STATED = "not stated"


def breaches(image: Image, manifest: Manifest) -> tuple[Breach, ...]:
    """Every declared limit that ``image`` breaks; empty when it may be answered.

    A property that the image does not state (no modality, no age) breaks a limit only where the package says
    ``unstated: refuse``; else `unchecked` names it.
    """
    dimensions = manifest.preprocess.dimensions
    if len(image.spatial) != dimensions:
        return (Breach("DIMENSIONS", f"{len(image.spatial)} spatial axes", f"{dimensions} spatial axes"),)
    found = [*_stated(image, manifest), *_grid(image, manifest)]
    channels = _channels(image, manifest)
    if channels is not None:
        return (channels, *found)
    # What follows looks at the pixels: of a grid that cannot be made nothing needs to be known.
    missing = missing_suv(image, [s.suv for s in manifest.preprocess.intensity])
    if missing:
        found.append(Breach("SUV", missing, "what SUV by body weight is calculated from"))
    if not any(b.code in ("SUV", "GRID_SIZE") for b in found):
        found += _pixels(image, manifest)
    return tuple(found)


def unchecked(image: Image, manifest: Manifest) -> tuple[str, ...]:
    """A sentence for each limit that was not checked because nothing is stated, for the notes of a prediction."""
    limits = manifest.limits
    notes = [f"{code} {NOT_STATED}, limit not checked" for code, _ in _unstated(image, manifest)]
    if not limits.modality and image.modality:
        notes.append(f"the package states no modality: nobody checked that {image.modality} is the right one")
    if limits.slack is not None and limits.likeness is None:
        notes.append("looks not checked: the training patients were too few to say what others look like")
    return tuple(notes)


def _unstated(image: Image, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Code and expectation of every limited property that the image does not state."""
    limits = manifest.limits
    if limits.modality and not image.modality:
        yield "MODALITY", " or ".join(limits.modality)
    if limits.body_part and not image.source.get("BodyPartExamined"):
        yield "BODY_PART", " or ".join(limits.body_part)
    if limits.age_years and image.source.get("age_years") is None:
        yield "AGE", _ages(*limits.age_years)


def _stated(image: Image, manifest: Manifest) -> Iterator[Breach]:
    """What the image states of itself."""
    limits = manifest.limits
    if limits.modality and image.modality and image.modality not in limits.modality:
        yield Breach("MODALITY", image.modality, " or ".join(limits.modality))
    part = str(image.source.get("BodyPartExamined") or "").upper()
    if limits.body_part and part and part not in limits.body_part:
        yield Breach("BODY_PART", part, " or ".join(limits.body_part))
    age = image.source.get("age_years")
    if limits.age_years and age is not None and not limits.age_years[0] <= age <= limits.age_years[1]:
        yield Breach("AGE", f"{age:.3g} years", _ages(*limits.age_years))
    if limits.unstated == "refuse":
        for code, expected in _unstated(image, manifest):
            yield Breach(code, NOT_STATED, expected)


def _grid(image: Image, manifest: Manifest) -> Iterator[Breach]:
    """Sizes and spacings, and whether the network's grid can be made of them."""
    limits, spec, order = manifest.limits, manifest.preprocess, canonical_axes(image)
    if limits.size:
        size = [image.spatial[a] for a in order]
        if any(not low <= n <= high for n, (low, high) in zip(size, limits.size, strict=True)):
            yield Breach("SIZE", _times(size), " x ".join(f"{a} to {b}" for a, b in limits.size) + " pixels")
    if limits.spacing_mm:
        spacing = [image.spacing[a] for a in order]
        pairs = zip(spacing, limits.spacing_mm, strict=True)
        if any(not low - TOLERANCE_MM <= s <= high + TOLERANCE_MM for s, (low, high) in pairs):
            expected = " x ".join(f"{a:.3g} to {b:.3g}" for a, b in limits.spacing_mm) + " mm"
            yield Breach("SPACING", " x ".join(f"{s:.3g}" for s in spacing) + " mm", expected)
    spatial, affine = image.spatial, image.affine
    if spec.orientation and len(spatial) == 3:
        spatial, affine = oriented_grid(spatial, affine, spec.orientation)
    try:
        target_size(spatial, tuple(np.linalg.norm(affine[:3, : len(spatial)], axis=0).tolist()), spec)
    except GridTooLargeError as error:
        yield Breach("GRID_SIZE", error.found, error.expected)


def _channels(image: Image, manifest: Manifest) -> Breach | None:
    count, spec = len(image.array), manifest.preprocess
    if spec.color == "as_is" and count != len(manifest.channels):
        names = ", ".join(c.name for c in manifest.channels)
        return Breach("CHANNELS", f"{count} channels", f"{len(manifest.channels)} ({names})")
    if spec.color != "as_is" and count not in (1, 3):
        return Breach("CHANNELS", f"{count} channels", "1 (gray) or 3 (colour)")
    return None


def _pixels(image: Image, manifest: Manifest) -> Iterator[Breach]:
    """Colour, grey values, and whether the image looks like those of the training."""
    limits, spec = manifest.limits, manifest.preprocess
    share = colored_share(image, spec) if limits.color is not None else None
    if share is not None and limits.color is not None and not limits.color[0] <= share <= limits.color[1]:
        low, high = limits.color
        yield Breach("COLOR", f"{share:.0%} of the pixels coloured", f"{low:.0%} to {high:.0%}")
    if any(g.percentiles for g in limits.grey_values):
        yield from _grey_values(image, manifest)
    if limits.likeness is not None:
        apart = distance(looks(image), limits.likeness)
        if not apart <= limits.likeness.most:
            yield Breach(
                "LIKENESS",
                f"a picture at distance {apart:.3g} from those of the training",
                f"at most {limits.likeness.most:.3g}",
            )


def _grey_values(image: Image, manifest: Manifest) -> Iterator[Breach]:
    names = [c.name for c in manifest.channels]
    found = input_percentiles(image, manifest.preprocess)
    for name, limit, values in zip(names, manifest.limits.grey_values, found, strict=False):
        for percentile, value, low, high in zip(
            limit.percentiles, values, limit.low, limit.high, strict=False
        ):
            if not low <= value <= high:
                yield Breach(
                    "GREY_VALUES",
                    f"percentile {percentile:g} of {name} at {value:.3g} deviations of the training cases",
                    f"{low:.3g} to {high:.3g}",
                )
                break


def _ages(low: float, high: float) -> str:
    return f"{low:g} to {high:g} years"


def _times(size: list[int]) -> str:
    return " x ".join(map(str, size)) + " pixels"
