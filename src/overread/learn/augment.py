"""Augmentation in one resampling: affine and elastic parts share one sampling grid, then grey values change.

Parameters are drawn first, as plain numbers that can be stored and replayed; the random numbers of one image
depend only on (seed, epoch, index), never on the order of workers or of other images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from overread.learn.plan import Augment

CONTROL_POINTS = 7


@dataclass(frozen=True)
class Change:
    """The drawn parameters of one image.

    ``matrix`` (d x d) and ``shift`` (d) act on coordinates in -1..1, in axis order; ``control`` is the
    displacement of the spline's control points ``(d, c, ..., c)`` in the same units, or None.
    """

    matrix: list[list[float]]
    shift: list[float]
    control: list[Any] | None
    brightness: float
    contrast: float
    gamma: float
    noise: float
    noise_seed: int
    blur: float

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def generator(seed: int, epoch: int, index: int) -> np.random.Generator:
    """Counter-based random numbers of one image in one epoch (Philox, Salmon 2011)."""
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, epoch, index]))


def draw(spec: Augment, dimensions: int, rng: np.random.Generator) -> Change:
    """Draw the parameters of one image of ``dimensions`` axes."""
    d = dimensions
    matrix = np.eye(d)
    angle = np.deg2rad(spec.rotate_deg)
    for i in range(d):
        for j in range(i + 1, d):
            # Drawn for every plane, so that the other numbers do not depend on which are used.
            a = rng.uniform(-angle, angle)
            if spec.coarse_axis in (i, j):
                continue
            turn = np.eye(d)
            turn[[i, i, j, j], [i, j, i, j]] = np.cos(a), -np.sin(a), np.sin(a), np.cos(a)
            matrix = matrix @ turn
    matrix = matrix * np.exp(rng.uniform(-spec.scale, spec.scale))
    mirrored = rng.random(d) < 0.5
    matrix[:, [a for a in spec.flip if mirrored[a]]] *= -1
    control = None
    if spec.elastic > 0 and rng.random() < 0.5:
        control = (rng.uniform(-1, 1, (d, *[CONTROL_POINTS] * d)) * 2 * spec.elastic).tolist()
    return Change(
        matrix=matrix.tolist(),
        shift=(rng.uniform(-2, 2, d) * spec.shift).tolist(),
        control=control,
        brightness=rng.uniform(-spec.brightness, spec.brightness),
        contrast=float(np.exp(rng.uniform(-spec.contrast, spec.contrast))),
        gamma=float(np.exp(rng.uniform(-spec.gamma, spec.gamma))),
        noise=rng.uniform(0, spec.noise) if rng.random() < 0.5 else 0.0,
        noise_seed=int(rng.integers(2**31)),
        blur=rng.uniform(0, spec.blur) if rng.random() < 0.25 else 0.0,
    )


@lru_cache(maxsize=32)
def _spline_basis(n: int, control: int) -> Tensor:
    """Cubic B-spline weights ``(n, control)`` of n voxels on ``control - 3`` intervals; rows sum to 1."""
    t = np.arange(n) * (control - 3 - 1e-6) / max(n - 1, 1)
    k = np.floor(t).astype(int)
    u = t - k
    weights = np.stack([(1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3]) / 6
    basis = np.zeros((n, control), np.float32)
    for i in range(4):
        basis[np.arange(n), k + i] = weights[i]
    return torch.from_numpy(basis)


def sampling_grid(
    change: Change,
    size: tuple[int, ...],
    source: tuple[int, ...] | None = None,
    spacing: Sequence[float] | None = None,
) -> Tensor:
    """Where each output voxel is read, for `torch.nn.functional.grid_sample`: ``(*size, d)``, last axis first.

    ``source`` is the size of the array that is read when it is larger than the output (both share their centre);
    ``spacing`` the distance of voxels per axis, equal if not given: rotations are rigid in mm, not in voxels.
    """
    d = len(size)
    source = source or size
    ratio = [n / m for n, m in zip(size, source, strict=True)]
    lines = [
        ((2 * torch.arange(n, dtype=torch.float32) + 1) / n - 1).view([-1 if i == a else 1 for i in range(d)])
        for a, n in enumerate(size)
    ]
    # Coordinates run from -1 to 1 on every axis: the affine part is weighted by the axes' lengths in mm.
    extent = np.asarray(size, float) * (spacing or [1.0] * d)
    matrix = np.asarray(change.matrix) * extent[None, :] / extent[:, None]
    grid = torch.empty(*size, d)
    field = None
    if change.control is not None:
        field = torch.tensor(change.control, dtype=torch.float32)
        for axis, n in enumerate(size):
            field = torch.movedim(
                torch.tensordot(field, _spline_basis(n, CONTROL_POINTS), dims=([axis + 1], [1])), -1, axis + 1
            )
    for a in range(d):
        out = grid[..., d - 1 - a]
        out.fill_(change.shift[a])
        for b in range(d):
            if matrix[a, b]:
                out.add_(lines[b] * float(matrix[a, b]))
        if field is not None:
            out.add_(field[a])
        out.mul_(ratio[a])
    return grid


def apply(
    change: Change,
    image: Tensor,
    label: Tensor | None = None,
    size: tuple[int, ...] | None = None,
    spacing: Sequence[float] | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Change one image ``(channels, *source)`` and its label map ``(*source)`` alike; ``spacing`` in mm per axis.

    Returns the image ``(channels, *size)`` (linear, edges repeated) and the label map ``(*size)`` (nearest).
    """
    size = size or tuple(image.shape[1:])
    grid = sampling_grid(change, size, tuple(image.shape[1:]), spacing)[None]
    out = F.grid_sample(image[None], grid, mode="bilinear", padding_mode="border", align_corners=False)[0]
    mask = None
    if label is not None:
        read = F.grid_sample(
            label[None, None].float(), grid, mode="nearest", padding_mode="border", align_corners=False
        )
        mask = read[0, 0].to(label.dtype)
    return _intensity(change, out), mask


def _intensity(change: Change, x: Tensor) -> Tensor:
    """Blur, gamma, contrast, brightness, noise, in this order, on standardised grey values."""
    if change.blur > 0.3:
        x = _blur(x, change.blur)
    if change.gamma != 1.0:
        low, high = x.amin(), x.amax()
        span = (high - low).clamp_min(1e-6)
        x = ((x - low) / span).pow_(change.gamma).mul_(span).add_(low)
    if change.contrast != 1.0 or change.brightness != 0.0:
        mean = x.mean()
        x = (x - mean).mul_(change.contrast).add_(mean + change.brightness)
    if change.noise > 0:
        rng = torch.Generator().manual_seed(change.noise_seed)
        x = x + torch.randn(x.shape, generator=rng) * change.noise
    return x


def _blur(x: Tensor, sigma: float) -> Tensor:
    radius = max(1, int(2 * sigma + 0.5))
    t = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (t / sigma) ** 2)
    kernel /= kernel.sum()
    d = x.ndim - 1
    conv = F.conv2d if d == 2 else F.conv3d
    x = x[:, None]
    for axis in range(d):
        shape = [1, 1, *[len(t) if i == axis else 1 for i in range(d)]]
        pad = [p for i in reversed(range(d)) for p in ([radius, radius] if i == axis else [0, 0])]
        x = conv(F.pad(x, pad, mode="replicate"), kernel.view(shape))
    return x[:, 0]


def random_crop(
    array: NDArray[Any], mask: NDArray[Any], size: tuple[int, ...], centre: NDArray[np.integer]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Cut ``size`` around ``centre`` from ``array (channels, *spatial)`` and ``mask (*spatial)``.

    Edges are repeated outside; the cut stays inside where it fits.
    """
    spatial = mask.shape
    start = [int(c) - s // 2 for c, s in zip(centre, size, strict=True)]
    # Keep the patch inside where it fits; centre it where it does not.
    start = [
        min(max(a, 0), n - s) if n >= s else (n - s) // 2
        for a, n, s in zip(start, spatial, size, strict=True)
    ]
    pads = [(max(0, -a), max(0, a + s - n)) for a, s, n in zip(start, size, spatial, strict=True)]
    cut = tuple(slice(max(0, a), min(n, a + s)) for a, s, n in zip(start, size, spatial, strict=True))
    image, label = array[(slice(None), *cut)], mask[cut]
    if any(p != (0, 0) for p in pads):
        image, label = np.pad(image, [(0, 0), *pads], mode="edge"), np.pad(label, pads, mode="edge")
    return image, label
