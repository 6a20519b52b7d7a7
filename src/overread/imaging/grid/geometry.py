"""Geometry of images: every function keeps array and affine true to each other.

A voxel's centre has an integer index; its cell reaches half a voxel to either side. Sizes are in voxels,
distances in mm, affines RAS+ (see `Image`). What a package does to its input is `reorient` and `resize`; the rest is
there for those who prepare images of their own. Resampling lies in `overread.imaging.grid.resample`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.imaging.grid.bounds import check_grid
from overread.imaging.grid.resample import (
    rectify,
    resample,
    resample_labels,
    resample_to,
    resize,
    right_angled,
)
from overread.imaging.grid.zoom import resize_array
from overread.imaging.image import Image

__all__ = [
    "axis_codes",
    "crop",
    "pad_to",
    "rectify",
    "reorient",
    "resample",
    "resample_labels",
    "resample_to",
    "resize",
    "resize_array",
    "right_angled",
    "same_grid",
    "stack",
    "voxel_volume",
]


def axis_codes(affine: NDArray[np.float64]) -> str:
    """The patient direction that each array axis runs to most closely, such as ``"RAS"``."""
    import nibabel

    return "".join(code or "?" for code in nibabel.aff2axcodes(affine))


def reorient(image: Image, codes: str = "RAS") -> Image:
    """A volume with its axes permuted and flipped to run to ``codes``; voxels are not resampled.

    Raises
    ------
    InputError
        A 2D image, or codes that are not one each of R/L, A/P and S/I.
    """
    from nibabel import orientations

    if len(image.spatial) != 3:
        raise InputError(f"orientation {codes}: a 2D image has none; leave orientation out for 2D packages")
    if len(codes) != 3 or sorted("RAS"["RLAPSI".index(c) // 2] if c in "RLAPSI" else "?" for c in codes) != [
        *"ARS"
    ]:
        raise InputError(
            f"orientation is {codes!r}, expected one each of R or L, A or P, S or I, such as 'RAS'"
        )
    transform = orientations.ornt_transform(
        orientations.io_orientation(image.affine), orientations.axcodes2ornt(tuple(codes))
    )
    channels = [orientations.apply_orientation(channel, transform) for channel in image.array]
    affine = image.affine @ orientations.inv_ornt_aff(transform, image.spatial)
    return image.with_(array=np.stack(channels), affine=affine)


def same_grid(
    a_shape: Sequence[int],
    a_affine: NDArray[np.float64],
    b_shape: Sequence[int],
    b_affine: NDArray[np.float64],
    *,
    tolerance_mm: float = 1e-2,
) -> bool:
    """Whether two grids have one shape and no corner voxels more than ``tolerance_mm`` apart."""
    if tuple(a_shape) != tuple(b_shape):
        return False
    last = [*(n - 1 for n in a_shape), *[0] * (3 - len(a_shape))]
    corners = np.array(np.meshgrid(*[(0, n) for n in last])).reshape(3, -1)
    offset = (a_affine - b_affine) @ np.vstack([corners, np.ones((1, corners.shape[1]))])
    return bool(np.linalg.norm(offset[:3], axis=0).max() <= tolerance_mm)


def stack(images: Sequence[Image], names: Sequence[str]) -> Image:
    """Images of one channel each, on one grid, as the channels ``names`` of one image.

    Source and modality are the first image's; the sources of all are kept as ``channel_sources``.

    Raises
    ------
    InputError
        Unequal grids, with the geometry of both; or an image with several channels.
    """
    if not images or len(images) != len(names):
        raise InputError(
            f"found {len(images)} images for the channels {', '.join(names)}; give one per channel"
        )
    first = images[0]
    for image, name in zip(images, names, strict=True):
        if len(image.array) != 1:
            raise InputError(f"channel {name}: {_where(image)} has {len(image.array)} channels, expected 1")
        if not same_grid(first.spatial, first.affine, image.spatial, image.affine):
            raise InputError(
                f"channel {name} lies on another grid than {names[0]}: "
                f"{_where(image)} has {describe(image)}; "
                f"{_where(first)} has {describe(first)}; resample one onto the other first"
            )
    array = np.concatenate([i.array for i in images])
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    if len(images) == 1:
        return first.with_(array=array, channels=tuple(names))
    notes = tuple(f"{name}: {note}" for name, i in zip(names, images, strict=True) for note in i.notes)
    source = {**first.source, "channel_sources": tuple(dict(i.source) for i in images)}
    if any(i.source.get("spacing_known") is False for i in images):
        source["spacing_known"] = False
    return Image(array, first.affine, first.modality, tuple(names), source, notes)


def describe(image: Image) -> str:
    """Size, spacing and corner of an image's grid in words."""
    size = " x ".join(map(str, image.spatial))
    spacing = " x ".join(f"{s:.4g}" for s in image.spacing)
    origin = ", ".join(f"{x:.2f}" for x in image.affine[:3, 3])
    return (
        f"{size} voxels of {spacing} mm to {axis_codes(image.affine)[: len(image.spatial)]} from ({origin})"
    )


def _where(image: Image) -> str:
    return str(image.source.get("path") or "the image")


def crop(image: Image, start: Sequence[int], stop: Sequence[int]) -> Image:
    """The voxels from ``start`` up to but without ``stop``, each where it was in the patient.

    Both are one index per spatial axis. Raises ValueError where they reach outside the image or hold nothing.
    """
    ranges = list(zip(start, stop, image.spatial, strict=True))
    if any(not 0 <= a < b <= n for a, b, n in ranges):
        raise ValueError(f"crop: found {tuple(start)} to {tuple(stop)} in an image of {image.spatial} voxels")
    array = image.array[(slice(None), *(slice(a, b) for a, b, _ in ranges))]
    return image.with_(array=array, affine=_shifted(image, start))


def pad_to(image: Image, size: Sequence[int], *, value: float = 0.0) -> Image:
    """At least ``size`` voxels per axis: ``value`` around the image, the odd voxel after it.

    Axes that are long enough stay; every voxel stays where it was in the patient. Raises InputError as
    `bounds.check_grid`.
    """
    check_grid(
        [max(m, n) for m, n in zip(size, image.spatial, strict=True)], image.spatial, where=_where(image)
    )
    extra = [max(0, m - n) for m, n in zip(size, image.spatial, strict=True)]
    before = [e // 2 for e in extra]
    widths = [(0, 0), *((b, e - b) for b, e in zip(before, extra, strict=True))]
    array: NDArray[Any] = np.pad(image.array, widths, constant_values=value)
    return image.with_(array=array, affine=_shifted(image, [-b for b in before]))


def _shifted(image: Image, start: Sequence[int]) -> NDArray[np.float64]:
    change = np.eye(4)
    change[: len(start), 3] = start
    return image.affine @ change


def voxel_volume(affine: NDArray[np.float64]) -> float:
    """Volume of one voxel, mm3 (for a 2D image: area times the third axis of its affine)."""
    return float(abs(np.linalg.det(affine[:3, :3])))
