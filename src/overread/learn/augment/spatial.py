"""The spatial part of a change: rotation, scale, shear, mirroring, shift and elastic deformation, as plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.learn.plan import Augment

CONTROL_POINTS = 7
END = 1e-6
"""So much before the last interval of the spline, whose end belongs to none."""


@dataclass(frozen=True)
class Spatial:
    """Where each voxel of a patch is read: coordinates run from -1 to 1 along each axis of the patch, in axis order.

    ``matrix`` (d x d) and ``shift`` (d) make the affine part; ``control`` is the displacement of the spline's control
    points ``(d, c, ..., c)`` in the same units, or None.
    """

    matrix: list[list[float]]
    shift: list[float]
    control: list[Any] | None = None


def draw_spatial(spec: Augment, dimensions: int, random: Callable[[str], np.random.Generator]) -> Spatial:
    """Draw rotation, scale, shear, mirroring, shift and elastic deformation, each from a generator of its own."""
    d = dimensions
    matrix = np.eye(d)
    rng, angle = random("rotate"), np.deg2rad(spec.rotate_deg)
    for i in range(d):
        for j in range(i + 1, d):
            # Drawn for every plane, so that the other numbers do not depend on which are used.
            a = rng.uniform(-angle, angle)
            if spec.coarse_axis in (i, j):
                continue
            turn = np.eye(d)
            turn[[i, i, j, j], [i, j, i, j]] = np.cos(a), -np.sin(a), np.sin(a), np.cos(a)
            matrix = matrix @ turn
    matrix = matrix * np.exp(random("scale").uniform(-spec.scale, spec.scale))
    rng = random("shear")
    slopes = np.eye(d)
    for i in range(d):
        for j in range(i + 1, d):
            slope = rng.uniform(-spec.shear, spec.shear)
            if spec.coarse_axis not in (i, j):
                slopes[i, j] = slope
    if spec.shear:
        matrix = matrix @ slopes
    mirrored = random("flip").random(d) < 0.5
    matrix[:, [a for a in spec.flip if mirrored[a]]] *= -1
    shift = random("shift").uniform(-2, 2, d) * spec.shift
    rng, control = random("elastic"), None
    if spec.elastic > 0 and rng.random() < 0.5:
        control = (rng.uniform(-1, 1, (d, *[CONTROL_POINTS] * d)) * 2 * spec.elastic).tolist()
    return Spatial(matrix.tolist(), shift.tolist(), control)


def matrix_of(change: Spatial, size: Sequence[int], spacing: Sequence[float] | None) -> NDArray[np.float64]:
    """The affine part on coordinates from -1 to 1: weighted by the axes' lengths in mm, for it is rigid in mm."""
    extent = np.asarray(size, float) * (spacing or [1.0] * len(size))
    weighted: NDArray[np.float64] = np.asarray(change.matrix) * extent[None, :] / extent[:, None]
    return weighted


def mirrored(change: Spatial) -> list[bool] | None:
    """Which axes a change only mirrors (none of them: it leaves all as it is); None where it does anything else."""
    matrix = np.asarray(change.matrix)
    signs = np.diag(matrix)
    if change.control is not None or any(change.shift) or not np.array_equal(matrix, np.diag(np.sign(signs))):
        return None
    return [bool(s < 0) for s in signs]


def displacement(change: Spatial, points: NDArray[np.float64], size: Sequence[int]) -> NDArray[np.float64]:
    """``(n, d)``: the elastic part at points ``(n, d)`` of -1 to 1; beyond the patch it stays as at its edge."""
    if change.control is None:
        return np.zeros_like(points)
    field = np.asarray(change.control, float)
    weights = [
        spline_weights(np.clip(((points[:, a] + 1) * n - 1) / 2, 0, n - 1), n) for a, n in enumerate(size)
    ]
    letters = "ijk"[: len(size)]
    terms = ",".join(f"n{x}" for x in letters)
    moved: NDArray[np.float64] = np.einsum(f"d{letters},{terms}->nd", field, *weights)
    return moved


def rising(n: int) -> NDArray[np.float64]:
    """Control points of the spline that is a voxel's own index, 0 to ``n - 1``."""
    points: NDArray[np.float64] = (np.arange(CONTROL_POINTS) - 1) * max(n - 1, 1) / (CONTROL_POINTS - 3 - END)
    return points


def spline_weights(places: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Cubic B-spline weights ``(len(places), control points)`` at voxel indices of ``n``; rows sum to 1."""
    t = places * (CONTROL_POINTS - 3 - END) / max(n - 1, 1)
    k = np.floor(t).astype(int)
    u = t - k
    weights = np.stack([(1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3]) / 6
    basis = np.zeros((len(t), CONTROL_POINTS))
    for i in range(4):
        basis[np.arange(len(t)), k + i] = weights[i]
    return basis
