"""The anatomy of a virtual patient: the MNI template's tissues, individually deformed.

The tissue maps are the ICBM 152 non-linear 2009a atlas (Fonov et al., NeuroImage 2011;54:313-327) that the
nilearn package carries. Skull, scalp and neck are layers at set distances from the brain, because the
atlas is without them.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import cc3d
import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from overread.errors import InputError

Array = NDArray[np.float32]

# Voxels of a virtual image to left, posterior, superior (DICOM's column, row, slice), and their size in mm.
SHAPE = (96, 112, 54)
SPACING = (2.0, 2.0, 3.0)
# Template coordinates (MNI, RAS mm) of the middle of the image.
CENTRE = (0.0, -17.0, 16.0)
STEP = 2.0
CHANNELS = ("gm", "wm", "csf", "brain", "ventricle", "neck", "push_x", "push_y", "push_z")


@dataclass(frozen=True)
class Template:
    """Tissue maps on a 2 mm grid: ``maps`` is ``(x, y, z, channel)`` float32, ``origin`` in MNI mm.

    Channels: fractions of grey matter, white matter and CSF; distance to the brain and to the lateral and
    third ventricles in mm (0 inside); 1 below the skull base; and the direction away from the ventricles,
    fading with distance.
    """

    maps: Array
    origin: tuple[float, float, float]


def template_files() -> dict[str, Path]:
    """The atlas files of the installed nilearn, found without importing it.

    Raises
    ------
    InputError
        nilearn is not installed or does not carry them.
    """
    spec = importlib.util.find_spec("nilearn")
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            "virtual patients need the MNI template that nilearn carries; install overread[train]"
        )
    folder = Path(spec.submodule_search_locations[0]) / "datasets" / "data"
    files = {k: folder / f"mni_icbm152_{k}_tal_nlin_sym_09a_converted.nii.gz" for k in ("t1", "gm", "wm")}
    for path in files.values():
        if not path.is_file():
            raise InputError(
                f"{path}: not in this nilearn; install the version that overread[train] asks for"
            )
    return files


def load_template() -> Template:
    """Read the atlas, sharpen its averaged tissues, and reduce it to 2 mm (about three seconds)."""
    volumes = {k: nib.Nifti1Image.from_filename(path) for k, path in template_files().items()}
    t1, gm, wm = (np.asarray(v.dataobj, np.float32) / 255 for v in volumes.values())
    origin = tuple(float(v) for v in volumes["t1"].affine[:3, 3])
    inside = t1 > 0
    csf = np.clip(1 - gm - wm, 0, 1) * inside
    csf = np.maximum(csf, np.clip((0.50 - t1) / 0.12, 0, 1) * inside)
    # An atlas of 152 people blurs each fold; raising the fractions to a power gives back one person's edges.
    parts = np.stack([gm * inside, wm * inside, csf]) ** 2.2
    parts /= np.maximum(parts.sum(axis=0), 1e-3)
    soft = [ndimage.gaussian_filter(p, 0.7)[::2, ::2, ::2] for p in parts]
    brain = inside[::2, ::2, ::2]
    depth = ndimage.distance_transform_edt(brain, sampling=STEP)
    outside = ndimage.distance_transform_edt(~brain, sampling=STEP)
    away = ndimage.distance_transform_edt(~_ventricles(soft[2], depth, origin), sampling=STEP)
    smooth = ndimage.gaussian_filter(away, 2.0)
    push = np.stack(np.gradient(smooth), axis=-1)
    push /= np.maximum(np.linalg.norm(push, axis=-1, keepdims=True), 0.5)
    push *= np.exp(-away / 22)[..., None]
    z = origin[2] + STEP * np.arange(brain.shape[2])
    # Below the skull base the head goes on downwards as it is at the level of the ears.
    ear = int(np.argmin(np.abs(z + 22)))
    column = ndimage.binary_dilation(brain[:, :, ear], iterations=5)
    neck = column[:, :, None] * np.clip((-22 - z) / 12, 0, 1)
    layers = [*soft, outside, away, ndimage.gaussian_filter(neck, 1.0), *np.moveaxis(push, -1, 0)]
    return Template(
        np.ascontiguousarray(np.stack(layers, axis=-1), np.float32), (origin[0], origin[1], origin[2])
    )


def _ventricles(csf: Array, depth: NDArray[np.float64], origin: tuple[float, ...]) -> NDArray[np.bool_]:
    """The largest connected body of CSF deep inside the brain, without the cisterns behind the thalami."""
    x, y, z = (o + STEP * np.arange(n) for o, n in zip(origin, csf.shape, strict=True))
    cistern = (np.abs(x) < 14)[:, None, None] & (y < -26)[None, :, None] & (z < 16)[None, None, :]
    labels = cc3d.connected_components((csf > 0.5) & (depth > 14) & ~cistern, connectivity=6)
    sizes = np.bincount(labels.ravel())
    return labels == int(np.argmax(sizes[1:])) + 1


def smooth_field(rng: np.random.Generator, knots: tuple[int, int, int], shape: tuple[int, ...]) -> Array:
    """A random field that is smooth between ``knots`` equally spaced normal deviates per axis.

    Uniform cubic B-spline, ``shape`` voxels, standard deviation about 1.
    """
    field: NDArray[np.float64] = rng.standard_normal(knots)
    for n, k in zip(shape, knots, strict=True):
        # Each pass works on the leading axis and moves it last, so three passes restore the order.
        field = np.einsum("na,abc->bcn", _basis(n, k), field)
    return (field / 0.33).astype(np.float32)


def _basis(n: int, k: int) -> NDArray[np.float64]:
    """``(n, k)`` uniform cubic B-spline basis, edge knots repeated."""
    t = np.linspace(0, k - 1, n)
    u = np.abs(t[:, None] - np.arange(-1, k + 1)[None])
    w = np.where(u < 1, 2 / 3 - u**2 + u**3 / 2, np.clip(2 - u, 0, None) ** 3 / 6)
    inner = w[:, 1:-1].copy()
    inner[:, 0] += w[:, 0]
    inner[:, -1] += w[:, -1]
    return inner


@dataclass(frozen=True)
class Anatomy:
    """One patient's tissues on the image grid, each ``SHAPE`` float32; fractions unless said otherwise.

    ``outside`` and ``ventricle`` are distances in mm; ``height`` is the MNI z coordinate in mm.
    """

    gm: Array
    wm: Array
    csf: Array
    outside: Array
    ventricle: Array
    neck: Array
    height: Array


def anatomy(template: Template, rng: np.random.Generator, age: float, sex: str) -> Anatomy:
    """Deform the template into one patient of the given age (years) and sex (``F`` or ``M``)."""
    older = np.clip((age - 45) / 45, 0, 1)
    size = (1.0 if sex == "M" else 0.965) * (1 + 0.03 * rng.standard_normal(3))
    tilt = np.deg2rad(rng.normal(0, 2.5, 3))
    position = rng.normal(0, 2.0, 3)
    axes = [(np.arange(n, dtype=np.float32) - (n - 1) / 2) * s for n, s in zip(SHAPE, SPACING, strict=True)]
    x, y, z = np.meshgrid(-axes[0], -axes[1], axes[2], indexing="ij")
    grid = np.stack([x, y, z], axis=-1) + position.astype(np.float32)
    matrix = (np.diag(1 / size) @ _rotation(tilt)).astype(np.float32)
    place = np.einsum("...i,ji->...j", grid, matrix) + np.asarray(CENTRE, np.float32)
    for axis in range(3):
        place[..., axis] += 2.6 * smooth_field(rng, (5, 6, 5), SHAPE)
        place[..., axis] += 0.9 * smooth_field(rng, (13, 15, 11), SHAPE)
    # A coarse look finds the push of the ventricles and where the head is: only there is a close look needed.
    coarse = sample(
        template, np.ascontiguousarray(place[::2, ::2, ::2]).reshape(-1, 3), slice(0, len(CHANNELS))
    )
    coarse = coarse.reshape(*(n // 2 for n in SHAPE), -1)
    # Ventricles widen with age: what lies beside them is looked up nearer to them.
    widening = np.float32(np.clip(rng.normal(0.4 + 3.6 * older, 0.8), -0.8, 6.0))
    place -= widening * _double(coarse[..., 6:9])
    head = _double(((coarse[..., 3] < 26) | (coarse[..., 5] > 0)).astype(np.float32)[..., None])[..., 0] > 0
    found = np.tile(np.array([0, 0, 0, 99, 99, 0], np.float32), (*SHAPE, 1))
    found[head] = sample(template, place[head], slice(0, 6))
    gm, wm, csf, outside, ventricle, neck = (np.ascontiguousarray(found[..., i]) for i in range(6))
    # Sulci widen with age: cortex beside CSF gives way to it.
    atrophy = np.float32(np.clip(rng.normal(0.10 + 0.5 * older, 0.12), 0, 0.8))
    lost = gm * np.clip(atrophy * 2.0 * ndimage.gaussian_filter(csf, 0.9), 0, 0.8)
    return Anatomy(gm - lost, wm, csf + lost, outside, ventricle, neck, np.ascontiguousarray(place[..., 2]))


def _double(field: Array) -> Array:
    """Values at every second voxel of three axes, linearly between them; the last one repeated."""
    for axis in range(3):
        after = np.concatenate([field.take(range(1, field.shape[axis]), axis), field.take([-1], axis)], axis)
        shape = list(field.shape)
        shape[axis] *= 2
        field = np.stack([field, (field + after) / 2], axis + 1).reshape(shape)
    return field


def _rotation(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation about x, then y, then z by ``angles`` in radians, (3, 3)."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    rx = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    ry = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rz = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return rz @ ry @ rx


def sample(template: Template, place: Array, channels: slice) -> Array:
    """Trilinear values of ``channels`` at MNI coordinates ``place`` ``(..., 3)``, clamped to the edge."""
    maps = template.maps[..., channels]
    flat = np.ascontiguousarray(maps).reshape(-1, maps.shape[3])
    limit = np.asarray(maps.shape[:3], np.float32) - 1.001
    u = np.clip((place - np.asarray(template.origin, np.float32)) / np.float32(STEP), 0, limit)
    low = u.astype(np.int32)
    f = u - low
    ny, nz = maps.shape[1], maps.shape[2]
    base = (low[..., 0] * ny + low[..., 1]) * nz + low[..., 2]
    out: Array = np.zeros((*place.shape[:-1], maps.shape[3]), np.float32)
    for dx in (0, 1):
        wx = f[..., 0] if dx else 1 - f[..., 0]
        for dy in (0, 1):
            wxy = wx * (f[..., 1] if dy else 1 - f[..., 1])
            for dz in (0, 1):
                w = wxy * (f[..., 2] if dz else 1 - f[..., 2])
                out += w[..., None] * flat[base + ((dx * ny + dy) * nz + dz)]
    return out
