"""The network's grid, by the spacing of the training cases, or by their objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from overread.cohort.fingerprint import Fingerprint
from overread.imaging.grid.bounds import spaced_size
from overread.learn.planner.room import Room
from overread.learn.planner.rungs import LEAST_EXTENT, LEAST_WIDTH, in_pixels
from overread.runtime.manifest import Preprocess


def median_spacing(look: Fingerprint, room: Room) -> tuple[Mapping[str, Any], str]:
    """The median spacing of volumes (nnU-Net's rule); pictures keep their pixels, or ``room.zoom`` of them."""
    if room.dimensions == 3:
        spacing = [round(s, 4) for s in look.median_spacing]
        return {"spacing": spacing}, f"Spacing {spacing} mm: the median of the training cases."
    if room.zoom == 1:
        return {}, "Images keep their own pixels."
    extents, widths = in_pixels(look)
    return {"zoom": room.zoom}, (
        f"Images are shrunk to {room.zoom:g} of their size: a typical object of {min(extents):.0f} pixels keeps "
        f"{min(extents) * room.zoom:.0f} (at least {LEAST_EXTENT}), the thinnest structure "
        f"{min(widths) * room.zoom:.1f} (at least {LEAST_WIDTH}), and the time goes further. "
        "Answers come back to the image's own pixels."
    )


def grid_size(look: Fingerprint, spec: Preprocess) -> list[int]:
    """The median image's size on the network's grid. Raises InputError as `overread.imaging.grid.bounds`."""
    if spec.size:
        return list(spec.size)
    shape = [round(n) for n in look.median_shape]
    if spec.zoom:
        return [max(1, round(n * spec.zoom)) for n in shape]
    if not spec.spacing:
        return shape
    return list(spaced_size(shape, look.median_spacing, spec.spacing, where="the median training case"))


def cell_spacing(look: Fingerprint, spec: Preprocess) -> list[float]:
    """mm (pixels of the median image where no file states their size) between the cells of the network's grid."""
    size = grid_size(look, spec)
    if spec.fit == "pad":
        if spec.spacing:
            return list(spec.spacing)
        scale = min(most / n for most, n in zip(size, look.median_shape, strict=True))
        return [mm / scale for mm in look.median_spacing]
    cells = zip(look.median_spacing, look.median_shape, size, strict=True)
    return [mm * n / most for mm, n, most in cells]
