"""White-matter lesions of a virtual patient: how many, where, and what shape."""

from __future__ import annotations

from dataclasses import dataclass

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from overread.cohort.virtual.anatomy import SHAPE, SPACING, Anatomy, Array

VOXEL_ML = float(np.prod(SPACING)) / 1000
# Smaller islands are noise of the voxel grid, not lesions (3 voxels: 36 mm3, a ball of 4 mm).
SMALLEST = 3
MOST = 150


@dataclass(frozen=True)
class Lesions:
    """``fraction`` of each voxel that is lesion, its ``strength`` (1: typical), and the binary ``mask``."""

    fraction: Array
    strength: Array
    mask: NDArray[np.uint8]

    @property
    def count(self) -> int:
        """Connected components (26 neighbours) of the mask."""
        return int(cc3d.connected_components(self.mask, connectivity=26, return_N=True)[1])

    @property
    def volume_ml(self) -> float:
        """Volume of the mask in ml."""
        return float(self.mask.sum()) * VOXEL_ML


def lesion_load(rng: np.random.Generator, age: float) -> float:
    """Lesion volume to aim for, ml: log-normal, median 1.3 at 20 years to 11 at 90; one in 25 has none."""
    none = rng.random() < 0.04
    median = 1.3 * (11 / 1.3) ** ((age - 20) / 70)
    load = float(np.clip(median * np.exp(rng.normal(0, 0.65)), 0.7, 26.0))
    return 0.0 if none else load


def grow_lesions(rng: np.random.Generator, patient: Anatomy, load: float) -> Lesions:
    """Grow lesions in white matter until their volume reaches ``load`` ml.

    Each is an ellipsoid, 4 to 20 mm across, roughened by a smooth random field and cut to the white matter;
    about half touch the ventricles.
    """
    fraction = np.zeros(SHAPE, np.float32)
    strength = np.ones(SHAPE, np.float32)
    rough = ndimage.gaussian_filter(rng.standard_normal(SHAPE, dtype=np.float32), (1.2, 1.2, 0.8))
    rough /= rough.std()
    allowed = np.clip(1.8 * (patient.wm + 0.15 * patient.gm), 0, 1) * (patient.csf < 0.5)
    weight = _likelihood(patient).ravel()
    chances = np.cumsum(weight, dtype=np.float64)
    typical = 5.8 * (1 + load / 26)
    volume = 0
    for _ in range(MOST if load > 0 else 0):
        centre = np.unravel_index(int(np.searchsorted(chances, rng.random() * chances[-1])), SHAPE)
        diameter = float(np.clip(typical * np.exp(rng.normal(0, 0.42)), 4.5, 20.0))
        box, inside = _blob(rng, centre, diameter, rough)
        inside *= allowed[box]
        before = int((fraction[box] > 0.5).sum())
        strength[box] = np.where(inside > fraction[box], rng.uniform(0.65, 1.1), strength[box])
        fraction[box] = np.maximum(fraction[box], inside)
        volume += int((fraction[box] > 0.5).sum()) - before
        if volume * VOXEL_ML >= load:
            break
    mask = fraction > 0.5
    kept = cc3d.dust(mask, threshold=SMALLEST, connectivity=26).astype(bool)
    faint = ndimage.binary_dilation(mask & ~kept, np.ones((3, 3, 3))) & ~ndimage.binary_dilation(kept)
    fraction[faint | (mask & ~kept)] = 0
    return Lesions(fraction, strength, (fraction > 0.5).astype(np.uint8))


def _likelihood(patient: Anatomy) -> Array:
    """Where a lesion may start: white matter, more so near the ventricles, seldom below the tentorium."""
    near = 4.0 * np.exp(-((patient.ventricle / 6) ** 2)) + 1.0 * (patient.ventricle < 45)
    level = 0.04 + 1 / (1 + np.exp(-(patient.height + 4) / 4))
    return np.where(patient.wm > 0.8, near * level, 0).astype(np.float32)


def _blob(
    rng: np.random.Generator, centre: tuple[np.intp, ...], diameter: float, rough: Array
) -> tuple[tuple[slice, ...], Array]:
    """The box around one lesion and the lesion's fraction of each voxel in it."""
    reach = [int(np.ceil(diameter * 0.95 / s)) + 1 for s in SPACING]
    box = tuple(
        slice(max(0, int(c) - r), min(n, int(c) + r + 1))
        for c, r, n in zip(centre, reach, SHAPE, strict=True)
    )
    stretch = np.exp(rng.normal(0, 0.22, 3))
    stretch /= np.cbrt(np.prod(stretch))
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    shift = rng.uniform(-0.5, 0.5, 3)
    axes = [
        (np.arange(b.start, b.stop) - c - d) * s
        for b, c, d, s in zip(box, centre, shift, SPACING, strict=True)
    ]
    place = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    radius = np.sqrt(
        np.square(np.einsum("...i,ij->...j", place, turn) / (stretch * diameter / 2)).sum(axis=-1)
    )
    level = (1 - radius) * diameter / 2 + 0.16 * diameter * rough[box]
    # The edge runs over about one voxel.
    return box, np.clip(level / 2.2 + 0.5, 0, 1).astype(np.float32)
