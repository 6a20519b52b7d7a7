"""Volumes as 2D and 2.5D images, and 2D images back to a volume; each keeps its place in the patient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from overread.errors import InputError
from overread.imaging.grid.geometry import same_grid
from overread.imaging.image import Image


def slice_stack(image: Image, index: int, *, axis: int = 2, around: int = 1) -> Image:
    """The 2.5D image of one slice: itself and ``around`` neighbours on either side as channels.

    Beyond the ends the outermost slice is repeated. Channels run from the lowest slice to the highest, each with
    all channels of the image (``t1[-1]``, ``t1[0]``, ``t1[1]``). The two axes left keep their order; the affine
    is that of the slice ``index``, its third column the step to the next slice. ``around=0`` gives a 2D image.

    Raises
    ------
    InputError
        A 2D image.
    ValueError
        An axis or index that the volume does not have, or a negative ``around``.
    """
    if len(image.spatial) != 3:
        raise InputError("slice_stack: the image is 2D already; give a volume")
    if axis not in (0, 1, 2) or not 0 <= index < image.spatial[axis] or around < 0:
        raise ValueError(
            f"slice_stack: found index {index} on axis {axis}, around {around}, in {image.spatial} voxels"
        )
    steps = range(-around, around + 1)
    wanted = np.clip([index + s for s in steps], 0, image.spatial[axis] - 1)
    planes = np.take(image.array, wanted, axis=axis + 1)
    channels = np.moveaxis(planes, axis + 1, 0).reshape(-1, *np.delete(image.spatial, axis))
    left = [a for a in range(3) if a != axis]
    affine = image.affine[:, [*left, axis, 3]].copy()
    affine[:, 3] += index * image.affine[:, axis]
    names = image.channels if around == 0 else tuple(f"{c}[{s}]" for s in steps for c in image.channels)
    return image.with_(array=np.ascontiguousarray(channels), affine=affine, channels=names)


def slices(image: Image, *, axis: int = 2, around: int = 0) -> Iterator[Image]:
    """Every slice along ``axis`` in turn, as `slice_stack` gives it."""
    for index in range(image.spatial[axis] if len(image.spatial) == 3 else 1):
        yield slice_stack(image, index, axis=axis, around=around)


def join_slices(images: Sequence[Image]) -> Image:
    """2D images that lie behind each other at even steps as one volume, the slices along its last axis.

    The inverse of ``slices(volume, axis=2)``. Everything but array and affine is the first image's.

    Raises
    ------
    InputError
        No image, a volume among them, unequal grids, or uneven steps.
    """
    if not images or any(len(i.spatial) != 2 for i in images):
        raise InputError(f"join_slices: found {len(images)} images, expected one or more, all 2D")
    first = images[0]
    step = images[1].affine[:3, 3] - first.affine[:3, 3] if len(images) > 1 else first.affine[:3, 2]
    affine = first.affine.copy()
    affine[:3, 2] = step
    if abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise InputError(
            "join_slices: the first two slices lie in one plane; expected them behind each other"
        )
    for k, image in enumerate(images):
        expected = affine.copy()
        expected[:3, 3] += k * step
        found = image.affine.copy()
        found[:3, 2] = step
        if image.array.shape[0] != first.array.shape[0] or not same_grid(
            first.spatial, expected, image.spatial, found
        ):
            raise InputError(
                f"join_slices: slice {k} of {image.array.shape} voxels lies at "
                f"{np.round(image.affine[:3, 3], 3).tolist()}, expected {first.array.shape} at "
                f"{np.round(expected[:3, 3], 3).tolist()}; slices must be alike and at even steps"
            )
    return first.with_(array=np.stack([i.array for i in images], axis=3), affine=affine)
