"""The spatial part: affine and elastic in one sampling grid, so that an image is interpolated once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from overread.learn.plan import Augment

CONTROL_POINTS = 7


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
    """Draw rotation, scale, mirroring, shift and elastic deformation, each from the generator of its own name."""
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


def sampling_grid(
    change: Spatial, size: tuple[int, ...], *, spacing: Sequence[float] | None = None
) -> Tensor:
    """``(*size, d)``: where each voxel of a patch is read, -1 to 1 over the patch itself, last axis first.

    ``spacing`` is the distance of voxels per axis, equal if not given: rotations are rigid in mm, not in voxels.
    """
    d = len(size)
    lines = [
        ((2 * torch.arange(n, dtype=torch.float32) + 1) / n - 1).view([-1 if i == a else 1 for i in range(d)])
        for a, n in enumerate(size)
    ]
    matrix = matrix_of(change, size, spacing)
    # One plane after the other: adding to every third number takes three times as long.
    planes = torch.empty(d, *size)
    field = None
    if change.control is not None:
        field = torch.tensor(change.control, dtype=torch.float32)
        for axis, n in enumerate(size):
            field = torch.movedim(
                torch.tensordot(field, _basis_of_voxels(n), dims=([axis + 1], [1])), -1, axis + 1
            )
    for a in range(d):
        out = planes[d - 1 - a]
        out.fill_(change.shift[a])
        for b in range(d):
            if matrix[a, b]:
                out.add_(lines[b] * float(matrix[a, b]))
        if field is not None:
            out.add_(field[a])
    return planes.movedim(0, -1)


def displacement(change: Spatial, points: NDArray[np.float64], size: Sequence[int]) -> NDArray[np.float64]:
    """``(n, d)``: the elastic part at points ``(n, d)`` of -1 to 1; beyond the patch it stays as at its edge."""
    if change.control is None:
        return np.zeros_like(points)
    field = np.asarray(change.control, float)
    weights = [
        _spline_weights(np.clip(((points[:, a] + 1) * n - 1) / 2, 0, n - 1), n) for a, n in enumerate(size)
    ]
    letters = "ijk"[: len(size)]
    terms = ",".join(f"n{x}" for x in letters)
    moved: NDArray[np.float64] = np.einsum(f"d{letters},{terms}->nd", field, *weights)
    return moved


def _spline_weights(places: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Cubic B-spline weights ``(len(places), control points)`` at voxel indices of ``n``; rows sum to 1."""
    t = places * (CONTROL_POINTS - 3 - 1e-6) / max(n - 1, 1)
    k = np.floor(t).astype(int)
    u = t - k
    weights = np.stack([(1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3]) / 6
    basis = np.zeros((len(t), CONTROL_POINTS))
    for i in range(4):
        basis[np.arange(len(t)), k + i] = weights[i]
    return basis


@lru_cache(maxsize=32)
def _basis_of_voxels(n: int) -> Tensor:
    return torch.from_numpy(_spline_weights(np.arange(n, dtype=float), n).astype(np.float32))
