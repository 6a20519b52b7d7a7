"""Image: an array, where it lies in the patient, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""From coordinates of DICOM and ITK, to the left and posterior, to those of `Image`; and back."""


@dataclass(frozen=True)
class Image:
    """One image of one patient, with its geometry beside it.

    Attributes
    ----------
    array
        ``(channels, *spatial)`` with two or three spatial axes. Volumes are indexed
        ``(column, row, slice)`` when read from DICOM and as stored when read from NIfTI;
        2D images are indexed ``(row, column)``.
    affine
        ``(4, 4)``: homogeneous voxel index (of the spatial axes, in their order; a missing third
        index is 0) to patient coordinates in mm, RAS+ (x to the right, y anterior, z superior).
    modality
        DICOM Modality (``CT``, ``MR``, ``CR`` ...), or an empty string where unknown.
    channels
        One name per channel.
    source
        Identifiers and facts carried along: ``path``, ``StudyInstanceUID``, ``age_years`` ...
        ``spacing_known`` is False where no file said how far apart pixels lie and 1 mm was assumed.
    notes
        What a reader corrected or assumed, one sentence each; recorded with every result.
    """

    array: NDArray[Any]
    affine: NDArray[np.float64]
    modality: str = ""
    channels: tuple[str, ...] = ()
    source: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.array.ndim not in (3, 4):
            raise ValueError(
                f"array: found {self.array.ndim} axes, expected (channels, *spatial) with 2 or 3 spatial"
            )
        if self.affine.shape != (4, 4):
            raise ValueError(f"affine: found shape {self.affine.shape}, expected (4, 4)")
        if not self.channels:
            object.__setattr__(self, "channels", tuple(f"channel{i}" for i in range(len(self.array))))
        if len(self.channels) != len(self.array):
            raise ValueError(f"channels: found {len(self.channels)} names for {len(self.array)} channels")

    @property
    def spatial(self) -> tuple[int, ...]:
        """Sizes of the spatial axes in voxels."""
        return self.array.shape[1:]

    @property
    def spacing(self) -> tuple[float, ...]:
        """Distance between voxel centres along each spatial axis, mm."""
        return tuple(np.linalg.norm(self.affine[:3, : len(self.spatial)], axis=0).tolist())

    def with_(self, **changes: Any) -> Image:
        """A copy with some fields changed."""
        return replace(self, **changes)
