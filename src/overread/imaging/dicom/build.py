"""From planes to the Image: one picture, one volume, several volumes as channels, or frames without a place."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from overread.errors import InputError
from overread.imaging.dicom.charset import charset_notes
from overread.imaging.dicom.decode import bits_allocated, stored_type
from overread.imaging.dicom.display import overlay_notes
from overread.imaging.dicom.facts import facts, frame_facts, order_notes
from overread.imaging.dicom.geometry import check_alike, frames_affine, grid, plane_affine
from overread.imaging.dicom.pixels import read_pixels
from overread.imaging.dicom.planes import Plane
from overread.imaging.dicom.stacks import Stack, check_one_sweep, stack_of
from overread.imaging.dicom.values import text
from overread.imaging.image import Image

FARTHEST = 1e7
"""No voxel is as large, mm, lies as far away, or is as small as one over this."""
THREADS = 2
"""That resample uneven slices."""


def build(planes: list[Plane], first: Dataset, path: str, notes: tuple[str, ...], exact: bool) -> Image:
    """One Image of ``planes``; ``first`` is the data set that the facts are taken from. See `dicom.read_series`."""
    source: dict[str, Any] = {"path": path, **facts(planes, first)}
    channels: tuple[str, ...] = ()
    if len(planes) == 1:
        affine, more = plane_affine(planes[0])
        array, found = fill(planes)
        array, notes = _channels_first(array, 0), (*notes, *more, *found)
    elif all(p.position is None and p.dataset is planes[0].dataset for p in planes):
        affine, more = frames_affine(planes[0])
        array, found = fill(planes)
        array = _channels_first(array.swapaxes(0, 2), 3)
        found_facts, sentence = frame_facts(first, len(planes), planes[0].name)
        source |= found_facts
        notes = (*notes, sentence, *more, *found)
    else:
        array, affine, channels, notes = _volume(planes, first, source, notes, exact)
    if planes[0].spacing.mm is None:
        source["spacing_known"] = False
    check_bounds(affine, path or planes[0].name)
    # The instances in the order of the slices, whatever order the planes came in.
    source.setdefault("SOPInstanceUIDs", tuple(dict.fromkeys(p.uid for p in planes)))
    notes = (*notes, *overlay_notes(first), *charset_notes(text(first, "SpecificCharacterSet")))
    return Image(array, affine, text(first, "Modality"), channels, source, tuple(dict.fromkeys(notes)))


def check_bounds(affine: NDArray[np.float64], name: str) -> None:
    """Raise InputError where voxels have no size, or lie beyond all bounds: the header's numbers are damaged."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if not (
        spacing.min() > 1 / FARTHEST and spacing.max() < FARTHEST and np.abs(affine[:3, 3]).max() < FARTHEST
    ):
        raise InputError(
            f"{name}: voxels of {spacing.tolist()} mm from {affine[:3, 3].tolist()} cannot be; "
            "PixelSpacing, SliceThickness or ImagePositionPatient is damaged"
        )


def _volume(
    planes: list[Plane], first: Dataset, source: dict[str, Any], notes: tuple[str, ...], exact: bool
) -> tuple[NDArray[Any], NDArray[np.float64], tuple[str, ...], tuple[str, ...]]:
    check_alike(planes)
    stack = stack_of(planes)
    volumes = stack.volumes
    notes = (
        *notes,
        *stack.notes,
        *(order_notes(volumes[0], first) if len(volumes) == 1 < len(volumes[0]) else ()),
    )
    if exact and len(volumes) > 1:
        raise InputError(
            f"{len(volumes)} volumes on the same slices, told apart by {stack.dimension} "
            f"({', '.join(stack.labels[:6])}); give one of them"
        )
    source["SOPInstanceUIDs"] = tuple(dict.fromkeys(p.uid for v in volumes for p in v))
    if len(volumes) > 1:
        source["volumes"] = {"dimension": stack.dimension, "values": stack.values}
    if len(volumes[0]) == 1:
        # Several pictures of one plane: (row, column), as a single picture has it.
        affine, more = plane_affine(volumes[0][0])
        return _pictures(stack, affine, (*notes, *more))
    lattice = grid(volumes[0], exact)
    notes = (*notes, *volumes[0][0].spacing.notes, *lattice.notes)
    arrays = []
    for volume in volumes:
        array, found = fill(volume)
        notes += found
        if lattice.between is not None:
            array = between_slices(array, lattice.between)
        arrays.append(_channels_first(array.swapaxes(0, 2), 3))
    if lattice.between is not None:
        check_one_sweep(volumes[0])
        source["slice_positions"] = tuple(
            tuple(float(x) for x in (-p.position[0], -p.position[1], p.position[2]))
            for p in volumes[0]
            if p.position is not None
        )
    return (*_joined(arrays, stack, lattice.affine), notes)


def _pictures(
    stack: Stack, affine: NDArray[np.float64], notes: tuple[str, ...]
) -> tuple[NDArray[Any], NDArray[np.float64], tuple[str, ...], tuple[str, ...]]:
    arrays = []
    for volume in stack.volumes:
        array, found = fill(volume)
        notes += found
        arrays.append(_channels_first(array, 0))
    return (*_joined(arrays, stack, affine), notes)


def _joined(
    arrays: list[NDArray[Any]], stack: Stack, affine: NDArray[np.float64]
) -> tuple[NDArray[Any], NDArray[np.float64], tuple[str, ...]]:
    if len(arrays) == 1:
        return arrays[0], affine, ()
    if len(arrays[0]) != 1:
        raise InputError(
            f"{len(arrays)} colour volumes on the same slices, told apart by {stack.dimension}; give one of them"
        )
    array = np.concatenate(arrays)
    return array.astype(np.float32) if array.dtype == np.float64 else array, affine, stack.labels


def fill(planes: Sequence[Plane]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The planes' pixels in one array, ``(planes, rows, columns)`` or with RGB last, and what was noted.

    Never float64. Raises InputError where gray and colour mix.
    """
    out: NDArray[Any] | None = None
    scratch: NDArray[Any] | None = None
    notes: dict[str, None] = {}
    for k, plane in enumerate(planes):
        target = None if out is None else out[k]
        array, found = read_pixels(plane, [b for b in (target, scratch) if b is not None])
        notes |= dict.fromkeys(found)
        if out is None:
            dtype = np.dtype(np.float32) if array.dtype == np.float64 else array.dtype
            out = np.empty((len(planes), *array.shape), dtype)
        elif array.shape != out.shape[1:]:
            raise InputError(f"{plane.name}: the slices mix gray and colour images; give one kind")
        elif array.dtype != out.dtype and not np.can_cast(array.dtype, out.dtype):
            common = np.result_type(array.dtype, out.dtype)
            out = out.astype(np.float32 if common.kind == "f" else common)
        if array is not target:
            out[k] = array
        if scratch is None and plane.place is not None:
            scratch = np.empty(plane.shape, stored_type(plane, bits_allocated(plane)))
    if out is None:
        raise InputError("no image was given; expected one or more")
    return out, tuple(notes)


def between_slices(array: NDArray[Any], places: NDArray[np.float64]) -> NDArray[Any]:
    """``array`` (slices first) at fractional places along its first axis, linear; float32, colour as it was.

    The rows are shared out among THREADS: most of the time goes into touching the new memory.
    """
    below = np.minimum(places.astype(np.intp), len(array) - 2)
    weights = (places - below).astype(np.float32)
    out = np.empty((len(places), *array.shape[1:]), np.float32)

    def fill_rows(rows: slice) -> None:
        lower = upper = step = np.empty(0, np.float32)
        at = -1
        for k, low in enumerate(below.tolist()):
            if low != at:
                lower, upper = (array[n, rows].astype(np.float32) for n in (low, low + 1))
                step, at = upper - lower, low
            if weights[k] == 1:
                out[k, rows] = upper
            else:
                np.multiply(step, weights[k], out=out[k, rows])
                out[k, rows] += lower

    edges = np.linspace(0, array.shape[1], THREADS + 1).astype(int)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(fill_rows, map(slice, edges[:-1], edges[1:])))
    return np.rint(out).astype(array.dtype) if array.ndim == 4 else out


def _channels_first(array: NDArray[Any], spatial: int) -> NDArray[Any]:
    """Channels to the front, of one plane of a stack of one (``spatial`` 0) or of a volume; a view."""
    if spatial == 0:
        array = array[0]
    colour = array.ndim == (4 if spatial else 3)
    if not colour:
        return array[None]
    return np.moveaxis(array, -1, 0) if spatial else np.ascontiguousarray(np.moveaxis(array, -1, 0))
