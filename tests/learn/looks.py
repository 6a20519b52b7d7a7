"""Fingerprints and rooms to plan for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from overread.cohort.fingerprint import Fingerprint
from overread.learn.planner.patch import most_voxels
from overread.learn.planner.room import Room


def look(
    shape: Sequence[int],
    spacing: Sequence[float],
    *,
    modality: str = "",
    color: str = "gray",
    size_mm: Mapping[str, float] | None = None,
) -> Fingerprint:
    """Two hundred images, all alike."""
    grey = {"p0_5": 0.0, "p50": 80.0, "p99_5": 200.0, "mean": 90.0, "std": 40.0}
    return Fingerprint(
        cases=200,
        dimensions=len(shape),
        channels=("image",),
        color=color,
        modalities=(modality,) if modality else (),
        median_shape=tuple(map(float, shape)),
        min_shape=tuple(shape),
        max_shape=tuple(shape),
        median_spacing=tuple(spacing),
        min_spacing=tuple(spacing),
        max_spacing=tuple(spacing),
        intensity=(grey,) * (3 if color == "rgb" else 1),
        class_counts={},
        size_mm=size_mm or {},
    )


def room(dimensions: int, *, channels: int = 1, labels: int = 2, cases: int = 200, gpu: bool = False) -> Room:
    """A processor's room."""
    return Room(dimensions, channels, labels, cases, most_voxels(dimensions, gpu=gpu), gpu)
