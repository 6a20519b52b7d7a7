"""Small pictures of a case: the image, with masks or boxes of reference and answer side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.imaging.box_picture import draw_boxes
from overread.imaging.boxes import Boxes
from overread.imaging.grid.geometry import reorient
from overread.imaging.image import Image
from overread.imaging.picture import (
    best_slice,
    fit_box,
    overlay,
    pixel_spacing,
    png_bytes,
    slice_of,
    window_to_uint8,
)

PIXELS = 260


def image_picture(image: Image, *, color: bool = False, pixels: int = PIXELS) -> bytes:
    """PNG of a 2D image, its three channels as colours with ``color``, or of the middle slice of the last channel."""
    base, _, spacing = _base(image, [], color)
    return png_bytes(fit_box(base, pixels, spacing))


def masks_picture(
    image: Image, masks: Sequence[NDArray[Any]], *, color: bool = False, pixels: int = PIXELS
) -> bytes:
    """PNG of the image under each label map in turn, side by side; of a volume the slice with most labels."""
    base, planes, spacing = _base(image, masks, color)
    base = fit_box(base, pixels, spacing)
    fitted = [fit_box(plane.astype(np.uint8), pixels, spacing, labels=True) for plane in planes]
    return png_bytes(_row([overlay(base, plane) for plane in fitted]))


def boxes_picture(image: Image, sets: Sequence[Boxes], *, color: bool = False, pixels: int = PIXELS) -> bytes:
    """PNG of the image under each set of boxes in turn, side by side; of a volume the slice that most boxes cut."""
    if len(image.spatial) == 3:
        # Filled boxes turn with the volume, whatever its axes are.
        return masks_picture(image, [_filled(b, image.spatial) for b in sets], pixels=pixels)
    base, _, spacing = _base(image, [], color)
    fitted = fit_box(base, pixels, spacing)
    scale = (fitted.shape[0] / image.spatial[0], fitted.shape[1] / image.spatial[1])
    return png_bytes(_row([draw_boxes(fitted, b, zoom=scale, width=1) for b in sets]))


def display(channels: NDArray[Any], *, color: bool) -> NDArray[np.uint8]:
    """``(channels, rows, columns)`` as a picture: with ``color`` red, green and blue, else the last channel in gray."""
    if not color:
        return window_to_uint8(channels[-1])
    # One window for all three, or the colours would shift.
    low, high = np.percentile(channels, [0.5, 99.5])
    return np.stack([window_to_uint8(c, low=float(low), high=float(high)) for c in channels], axis=-1)


def _base(
    image: Image, masks: Sequence[NDArray[Any]], color: bool
) -> tuple[NDArray[np.uint8], list[NDArray[Any]], tuple[float, float]]:
    """The picture of one plane, the masks' planes, and the distances of its rows and columns."""
    if len(image.spatial) == 2:
        return display(image.array, color=color), [np.asarray(m) for m in masks], pixel_spacing(image)
    axial = [reorient(image.with_(array=np.asarray(a)[None], channels=())) for a in (image.array[-1], *masks)]
    shown = np.any([a.array[0] > 0 for a in axial[1:]], axis=0) if masks else np.zeros(axial[0].spatial, bool)
    k = best_slice(shown)
    gray = window_to_uint8(slice_of(axial[0], k))
    return gray, [slice_of(a, k) for a in axial[1:]], pixel_spacing(axial[0])


def _filled(boxes: Boxes, spatial: tuple[int, ...]) -> NDArray[np.uint8]:
    """Boxes as a label map of label index + 1, larger ones first so that small ones stay visible."""
    out = np.zeros(spatial, np.uint8)
    cut = boxes.clipped(spatial)
    volume = np.prod(cut.high - cut.low, axis=1)
    for i in np.argsort(-volume, kind="stable"):
        low, high = np.floor(cut.low[i]).astype(int), np.ceil(cut.high[i]).astype(int)
        out[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = cut.labels[i] + 1
    return out


def _row(parts: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return np.concatenate(list(parts), axis=1)
