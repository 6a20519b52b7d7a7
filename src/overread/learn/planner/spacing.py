"""The network's grid, by the spacing of the training cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from overread.cohort.fingerprint import Fingerprint
from overread.imaging.grid.bounds import spaced_size
from overread.learn.planner.room import Room
from overread.runtime.manifest import Preprocess


def median_spacing(look: Fingerprint, room: Room) -> tuple[Mapping[str, Any], str]:
    """The median spacing of volumes (nnU-Net's rule); pictures keep their pixels."""
    if room.dimensions == 2:
        return {}, (
            "Images keep their own pixels: 2D images without a common physical scale are not resampled."
        )
    spacing = [round(s, 4) for s in look.median_spacing]
    return {"spacing": spacing}, f"Spacing {spacing} mm: the median of the training cases."


def grid_size(look: Fingerprint, spec: Preprocess) -> list[int]:
    """The median image's size on the network's grid. Raises InputError as `overread.imaging.grid.bounds`."""
    if spec.size:
        return list(spec.size)
    if not spec.spacing:
        return [round(n) for n in look.median_shape]
    shape = [round(n) for n in look.median_shape]
    return list(spaced_size(shape, look.median_spacing, spec.spacing, where="the median training case"))
