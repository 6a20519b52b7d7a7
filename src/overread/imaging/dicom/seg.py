"""Segmentations: label maps, fractions, or one channel per segment where segments overlap.

Source: PS3.3 A.51 and C.8.20 (Segmentation), C.7.6.17 (tiles of a total pixel matrix).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from overread.errors import InputError
from overread.imaging.dicom.build import check_bounds
from overread.imaging.dicom.charset import charset_notes
from overread.imaging.dicom.decode import PALETTE, stored_frame
from overread.imaging.dicom.facts import facts
from overread.imaging.dicom.geometry import check_alike, cosines, normal, plane_affine, position
from overread.imaging.dicom.instance import Instance
from overread.imaging.dicom.planes import Plane, planes_of
from overread.imaging.dicom.values import first_item, integer, items, number, text
from overread.imaging.image import LPS_TO_RAS, Image

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"
SIZE_LIMIT = 2 << 30
"""Most voxels times segments."""
TOLERANCE = 0.01
"""Slices may lie off their place by this part of the slice distance."""


def is_segmentation(dataset: Dataset) -> bool:
    """Whether a data set is a Segmentation or a Label Map Segmentation."""
    return text(dataset, "SOPClassUID") in (SEGMENTATION, LABEL_MAP)


def read_segmentation(instance: Instance, path: str, notes: tuple[str, ...] = ()) -> Image:
    """One segmentation object as an Image.

    Segments that nowhere overlap give one channel of segment numbers, 0 for none; segments that overlap one
    channel each, of 0 and 1; fractions one channel each, float32 of 0 to 1. ``source["segments"]`` names the
    segments by number. Slices without a frame between others are empty.

    Raises
    ------
    InputError
        Frames off an even grid, or without place; damaged pixels; more voxels than SIZE_LIMIT.
    """
    name, dataset = instance.name, instance.dataset
    planes = planes_of([instance])
    labels = {
        integer(s, "SegmentNumber", name): text(s, "SegmentLabel") for s in items(dataset, "SegmentSequence")
    }
    if not labels:
        raise InputError(f"{name}: SegmentSequence is missing; the segmentation names no segment")
    kind = text(dataset, "SegmentationType") if text(dataset, "SOPClassUID") == SEGMENTATION else "LABELMAP"
    if kind not in ("BINARY", "FRACTIONAL", "LABELMAP"):
        raise InputError(
            f"{name}: SegmentationType is {kind or 'missing'}, expected BINARY, FRACTIONAL or LABELMAP"
        )
    if kind == "LABELMAP":
        numbers = [0] * len(planes)
    else:
        numbers = _numbers(dataset, planes, sorted(labels), name)
    order = {n: k for k, n in enumerate(sorted(set(numbers)))}
    if not set(numbers) <= {0, *labels}:
        raise InputError(
            f"{name}: frames refer to segments {sorted(set(numbers) - set(labels))}, which are not named"
        )
    shape, corners, affine, more = _layout(dataset, planes, name)
    if int(np.prod(shape, dtype=object)) * len(order) > SIZE_LIMIT:
        raise InputError(
            f"{name}: {len(order)} segments of {shape} voxels are more than the limit of {SIZE_LIMIT}"
        )
    top = integer(dataset, "MaximumFractionalValue", name, default=1) if kind == "FRACTIONAL" else 1
    if top < 1:
        raise InputError(f"{name}: MaximumFractionalValue is {top}, expected 1 or more")
    out: NDArray[Any] | None = None
    for plane, segment, corner in zip(planes, numbers, corners, strict=True):
        values, _ = stored_frame(plane, text(dataset, "PhotometricInterpretation") or PALETTE)
        if out is None:
            out = np.zeros((len(order), *shape), np.float32 if kind == "FRACTIONAL" else values.dtype)
        _put(out[order[segment]], values, corner, top)
    assert out is not None
    array, channels = _combined(out, kind, sorted(order), labels)
    if array.ndim == 4:
        array = array.transpose(0, 3, 2, 1)
    check_bounds(affine, name)
    source: dict[str, Any] = {
        "path": path,
        **facts(planes, dataset),
        "segments": {n: labels[n] for n in sorted(labels)},
        "segmentation_type": kind,
        "SOPInstanceUIDs": (planes[0].uid,),
    }
    if planes[0].spacing.mm is None:
        source["spacing_known"] = False
    notes = (*notes, *more, *charset_notes(text(dataset, "SpecificCharacterSet")))
    return Image(array, affine, text(dataset, "Modality"), channels, source, notes)


def _numbers(dataset: Dataset, planes: Sequence[Plane], named: list[int], name: str) -> list[int]:
    """The segment of each frame."""
    found = []
    for plane in planes:
        holder = next(
            (h for g in plane.groups if (h := first_item(g, "SegmentIdentificationSequence"))), None
        )
        if holder is not None:
            found.append(integer(holder, "ReferencedSegmentNumber", plane.name))
    if not found and text(dataset, "DimensionOrganizationType") == "TILED_FULL":
        # All tiles of the first segment, then all of the second ...
        each, rest = divmod(len(planes), len(named))
        if rest == 0:
            return [n for n in named for _ in range(each)]
    if len(found) != len(planes):
        raise InputError(f"{name}: SegmentIdentificationSequence is missing; frames belong to no segment")
    return found


def _layout(
    dataset: Dataset, planes: Sequence[Plane], name: str
) -> tuple[tuple[int, ...], list[tuple[int, ...]], NDArray[np.float64], tuple[str, ...]]:
    """Shape of one segment, index of each frame's first pixel in it, affine, and notes."""
    if "TotalPixelMatrixRows" in dataset:
        shape = tuple(integer(dataset, f"TotalPixelMatrix{k}", name) for k in ("Rows", "Columns"))
        if min(shape) < 1:
            raise InputError(f"{name}: the total pixel matrix is {shape[0]} x {shape[1]}, expected 1 or more")
        affine, more = plane_affine(planes[0])
        note = "tiles of a slide: the affine is of the slide's pixels, not of a patient"
        return shape, _tiles(dataset, planes, shape, name), affine, (note, *more)
    placed = [p for p in planes if p.position is not None]
    if not placed:
        affine, more = plane_affine(planes[0])
        return planes[0].shape, [(0, 0)] * len(planes), affine, more
    check_alike(planes)
    n, start = normal(planes[0]), position(planes[0])
    heights = np.array([n @ (position(p) - start) for p in planes])
    aside = np.array([position(p) - start for p in planes]) - heights[:, None] * n
    if np.abs(aside).max() > TOLERANCE * max(1.0, float(np.abs(heights).max())):
        raise InputError(
            f"{name}: frames are shifted against each other sideways; they lie on no right-angled grid"
        )
    low = float(heights.min())
    if np.ptp(heights) < 1e-3:
        affine, more = plane_affine(planes[0])
        return planes[0].shape, [(0, 0)] * len(planes), affine, more
    step = _step(planes, np.unique(np.round(heights, 4)), name)
    index = (heights - low) / step
    slices = np.round(index).astype(int)
    affine = np.eye(4)
    axes, spacing = cosines(planes[0]), planes[0].spacing.mm or (1.0, 1.0)
    affine[:3, 0], affine[:3, 1] = axes[0] * spacing[1], axes[1] * spacing[0]
    affine[:3, 2], affine[:3, 3] = n * step, start + n * low
    count = int(slices.max()) + 1
    empty = count - len(set(slices.tolist()))
    more = (f"{empty} slices without a frame are empty",) if empty else ()
    return (count, *planes[0].shape), [(int(k), 0, 0) for k in slices], LPS_TO_RAS @ affine, more


def _step(planes: Sequence[Plane], heights: NDArray[np.float64], name: str) -> float:
    """The slice distance: Spacing Between Slices where frames lie on it, else the smallest distance."""
    gaps = np.diff(heights)
    measures = next((m for g in planes[0].groups if (m := first_item(g, "PixelMeasuresSequence"))), None)
    stated = None if measures is None else number(measures, "SpacingBetweenSlices", name)
    for step in (abs(stated) if stated else 0.0, float(gaps.min())):
        if step > 0:
            off = np.abs(gaps / step - np.round(gaps / step))
            if off.max() <= TOLERANCE * max(1.0, float(gaps.max()) / step) and gaps.min() >= step * (
                1 - TOLERANCE
            ):
                return step
    raise InputError(
        f"{name}: frames are {gaps.min():.4f} to {gaps.max():.4f} mm apart, no multiples of one slice distance"
    )


def _tiles(
    dataset: Dataset, planes: Sequence[Plane], shape: tuple[int, ...], name: str
) -> list[tuple[int, ...]]:
    rows, columns = planes[0].shape
    across, down = -(-shape[1] // columns), -(-shape[0] // rows)
    corners: list[tuple[int, ...]] = []
    for k, plane in enumerate(planes):
        place = next((p for g in plane.groups if (p := first_item(g, "PlanePositionSlideSequence"))), None)
        if place is None:
            tile = k % (across * down)
            corners.append((tile // across * rows, tile % across * columns))
        else:
            corners.append(
                tuple(
                    integer(place, f"{k}PositionInTotalImagePixelMatrix", name) - 1 for k in ("Row", "Column")
                )
            )
        if not all(0 <= c < n for c, n in zip(corners[-1], shape, strict=True)):
            raise InputError(f"{plane.name}: the tile lies outside of the total pixel matrix")
    return corners


def _put(out: NDArray[Any], values: NDArray[Any], corner: tuple[int, ...], top: int) -> None:
    """One frame into its place, cut at the rim of a total pixel matrix; frames of one place add up."""
    row, column = corner[-2:]
    place = out[corner[0]] if out.ndim == 3 else out
    target = place[row : row + values.shape[0], column : column + values.shape[1]]
    part = values[: target.shape[0], : target.shape[1]]
    np.maximum(
        target, part / np.float32(top) if out.dtype.kind == "f" else part, out=target, casting="unsafe"
    )


def _combined(
    array: NDArray[Any], kind: str, numbers: list[int], labels: dict[int, str]
) -> tuple[NDArray[Any], tuple[str, ...]]:
    if kind == "LABELMAP":
        return array, ("label",)
    names = tuple(labels.get(n) or f"segment {n}" for n in numbers)
    if kind == "FRACTIONAL" or (len(array) > 1 and (np.count_nonzero(array, axis=0) > 1).any()):
        return array, names
    out = np.zeros(array.shape[1:], np.uint8 if max(numbers) < 256 else np.uint16)
    for channel, n in zip(array, numbers, strict=True):
        out[channel > 0] = n
    return out[None], ("label",)
