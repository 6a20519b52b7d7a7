"""The grid of images that are seen as a whole: it keeps their shape, and their physical size where that is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from overread.cohort.fingerprint import Fingerprint
from overread.learn.planner.room import Room
from overread.learn.planner.transfer import grid_of

MOST = {2: 224, 3: 96}
LEAST = 16
ROOM = 1.25
"""Times the median image's extent that the grid holds without shrinking, where there are images so large."""
ALIKE = 3.0
"""Fold by which the pixel spacing of pictures may differ: beyond it some files state another plane's, or none."""


def choose_whole_grid(look: Fingerprint, room: Room) -> tuple[Mapping[str, Any], str]:
    """One grid for all images, which keep their shape in it; for pretrained weights as many pixels as suit them.

    Where files state a spacing, the grid has one too (mm), and images of more than its field of view are shrunk.
    """
    if room.weights:
        size = grid_of(look, room.side)
        return {"size": size, "fit": "pad"}, (
            f"Size {size}: the proportions of the median image, {_sizes(look)}, and about {room.side} x {room.side} "
            "pixels, as suits the weights and the time. Images keep their shape; what is left around them is padded."
        )
    cap = MOST[room.dimensions]
    if _known(look, room.dimensions):
        extent = [
            mm * n * max(1.0, min(ROOM, most / n))
            for mm, n, most in zip(look.median_spacing, look.median_shape, look.max_shape, strict=True)
        ]
        # Thick slices stay as they are: none is made up between them, and they coarsen no plane. Pixels are square.
        own = look.median_spacing if room.dimensions == 3 else [min(look.median_spacing)] * 2
        finest = max(min(own), *(e / cap for e, mm in zip(extent, own, strict=True) if e / cap > mm), 0.0)
        spacing = [round(max(mm, finest), 4) for mm in own]
        size = [min(cap, max(LEAST, round(e / mm))) for e, mm in zip(extent, spacing, strict=True)]
        return {"size": size, "spacing": spacing, "fit": "pad"}, (
            f"Size {size} of {' x '.join(f'{mm:.3g}' for mm in spacing)} mm: the median image is {_sizes(look)} of "
            f"{' x '.join(f'{mm:.3g}' for mm in look.median_spacing)} mm, and {cap} per axis is the most. Images keep "
            "their physical size; larger ones are shrunk in their proportions, smaller ones padded."
        )
    scale = min(1.0, cap / max(look.median_shape))
    size = [max(LEAST, round(n * scale)) for n in look.median_shape]
    return {"size": size, "fit": "pad"}, (
        f"Size {size}: the proportions of the median image, {_sizes(look)}, and {cap} per axis is the most. Images "
        "keep their shape; what is left around them is padded."
    )


def _known(look: Fingerprint, dimensions: int) -> bool:
    """Whether files state a spacing: 1 everywhere is what is assumed of those that do not."""
    stated = any(mm != 1 for mm in (*look.min_spacing, *look.max_spacing))
    alike = all(high <= ALIKE * low for low, high in zip(look.min_spacing, look.max_spacing, strict=True))
    return stated and (dimensions == 3 or alike)


def _sizes(look: Fingerprint) -> str:
    return " x ".join(f"{n:.4g}" for n in look.median_shape)
