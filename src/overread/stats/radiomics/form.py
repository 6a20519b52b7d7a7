"""Size and form of a region (IBSI reference manual 3.1)."""

from __future__ import annotations

import numpy as np

from overread.stats.arrays import Bools, Floats
from overread.stats.shape import enclosed_size, max_diameter, surface_size


def form(mask: Bools, size: Floats) -> dict[str, float]:
    """Of ``mask (*spatial)`` with voxels of ``size (axes,)`` mm: by mesh, by voxels, and by principal axes.

    Axis lengths are 4 times the root of the variance (over n - 1) of the voxels' centres along them; PyRadiomics'
    is over n.
    """
    plane = mask.ndim == 2
    inner, surface = enclosed_size(mask, spacing=size), surface_size(mask, spacing=size)
    at = np.argwhere(mask) * size
    off = at - at.mean(axis=0)
    variance = np.maximum(np.linalg.eigvalsh(off.T @ off / max(1, len(at) - 1)), 0)
    *smaller, largest = np.sqrt(variance)
    minor, least = smaller[-1], smaller[0]
    out = {
        "mesh_surface" if plane else "mesh_volume": inner,
        "pixel_surface" if plane else "voxel_volume": float(mask.sum() * np.prod(size)),
        "perimeter" if plane else "surface_area": surface,
        "perimeter_surface_ratio" if plane else "surface_volume_ratio": surface / inner,
        "sphericity": 2 * np.sqrt(np.pi * inner) / surface
        if plane
        else (36 * np.pi * inner**2) ** (1 / 3) / surface,
        "maximum_diameter" if plane else "maximum_3d_diameter": max_diameter(mask, spacing=size),
        "major_axis_length": 4 * largest,
        "minor_axis_length": 4 * minor,
        "elongation": minor / largest if largest else 1.0,
    }
    if not plane:
        out |= {"least_axis_length": 4 * least, "flatness": least / largest if largest else 1.0}
    return {key: float(value) for key, value in out.items()}
