"""From an Image to the network's input, and from the network's grid back. Used alike in training and clinic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.imaging.boxes import Boxes
from overread.imaging.grid.bounds import check_grid, fitted_size, spaced_size
from overread.imaging.grid.geometry import (
    axis_codes,
    crop,
    rectify,
    reorient,
    resample_to,
    resize,
    resize_array,
    right_angled,
)
from overread.imaging.grid.labels import largest_share, resize_labels
from overread.imaging.image import Image
from overread.imaging.intensity.bias import n4
from overread.imaging.intensity.color import to_gray, to_rgb
from overread.imaging.intensity.uptake import in_suv
from overread.imaging.intensity.window import windowed
from overread.runtime.fit import grid_of, padded, place, placed
from overread.runtime.manifest import Preprocess
from overread.runtime.normalise import normalised
from overread.runtime.resampling import affine_of, box_of, places, resampled, size_of, thick_axis

HALF = 0.5
SHEAR = 0.0175
"""Scalar product of two axes' directions, 1 degree, from which a volume counts as sheared."""
TINY = np.float32(1e-30)
"""Probability below which its logarithm falls no further."""


@dataclass(frozen=True)
class Prepared:
    """Network input ``(channels, *grid)`` float32, and what is needed to go back to the image's own grid.

    ``original`` is the image as given, ``upright`` the same on right-angled axes (the original itself unless that is
    sheared), ``oriented`` that with its axes in the package's order. ``notes`` are the image's and what was added.
    ``inside`` is where the image lies in ``array``, the rest is padding; empty where it fills it. ``box`` is what of
    ``oriented`` became network input; empty where all of it did.
    """

    array: NDArray[np.float32]
    affine: NDArray[np.float64]
    oriented: Image
    upright: Image
    original: Image
    notes: tuple[str, ...] = ()
    inside: tuple[slice, ...] = ()
    box: tuple[slice, ...] = ()
    spec: Preprocess | None = None


def prepare(image: Image, spec: Preprocess) -> Prepared:
    """SUV, window, colour, orientation, grid and intensity of ``image`` as the package's ``Preprocess`` states.

    A sheared volume (slices of a tilted gantry) is first set upright slice by slice, with a note: on its own grid a
    network would see the patient leaning. Masks come back onto the grid as given.

    Raises InputError where the grid is sheared too far to be set upright (see `rectify`), as `target_size`, and for
    PET values that cannot be SUV.
    """
    original = image
    image = in_suv(image, [s.suv for s in spec.intensity])
    if spec.window:
        image = windowed(image)
    if spec.color == "gray":
        image = to_gray(image)
    elif spec.color == "rgb":
        image = to_rgb(image)
    if is_sheared(image):
        image = rectify(image)
    upright = image
    if spec.orientation and len(image.spatial) == 3:
        image = reorient(image, spec.orientation)
    oriented = image
    if spec.bias == "n4":
        image = n4(image)
    box = box_of(image.array, spec.crop) if spec.crop else ()
    if box:
        image = crop(image, [b.start for b in box], [b.stop for b in box])
    size = target_size(image.spatial, image.spacing, spec, where=named(original))
    inside = place(size, spec)
    first = spec.order == "values_first"
    if first:
        image = image.with_(array=normalised(image.array, spec))
    if spec.resampling is not None:
        image = _resampled(image, size, spec)
    elif size != image.spatial:
        image = resize(image, size, order=1 if spec.dimensions == 2 else 3)
    array = np.asarray(image.array if first else normalised(image.array, spec), np.float32)
    affine = image.affine.copy()
    affine[:3, 3] -= affine[:3, : len(inside)] @ [part.start for part in inside]
    return Prepared(
        padded(array, inside, spec), affine, oriented, upright, original, image.notes, inside, box, spec
    )


def _resampled(image: Image, size: tuple[int, ...], spec: Preprocess) -> Image:
    """``image`` on the network's grid, by the convention that the package states."""
    rule, spacing = spec.resampling, image.spacing
    assert rule is not None
    target = spec.spacing_for(spacing)
    array = resampled(
        np.asarray(image.array, np.float32),
        size,
        spacing=spacing,
        target=target,
        rule=rule,
        thick=thick_axis(spacing, target, rule),
    )
    if rule.keep == "first_voxel":
        ratios = [want / have for want, have in zip(target, spacing, strict=True)]
    else:
        ratios = [old / new for old, new in zip(image.spatial, size, strict=True)]
    return image.with_(array=array, affine=affine_of(image.affine, ratios, rule))


def is_sheared(image: Image) -> bool:
    """Whether a volume's axes are off their right angles by a degree or more: less is no more than patients differ."""
    return len(image.spatial) == 3 and not right_angled(image.affine, SHEAR)


def prepare_mask(mask: NDArray[np.integer], image: Image, spec: Preprocess) -> NDArray[np.uint8]:
    """A label map on ``image``'s grid, brought to the network's grid: by the share that each label has of a voxel.

    Raises InputError as `target_size`.
    """
    grid = Image(mask.astype(np.uint8, copy=False)[None], image.affine)
    if is_sheared(grid):
        grid = _rectified(grid)
    if spec.orientation and mask.ndim == 3:
        grid = reorient(grid, spec.orientation)
    if spec.crop:
        box = box_of(prepare_axes(image, spec).array, spec.crop)
        grid = crop(grid, [b.start for b in box], [b.stop for b in box])
    size = target_size(grid.spatial, grid.spacing, spec, where=named(image))
    label = np.zeros(grid_of(size, spec), np.uint8)
    if spec.resampling is not None and spec.resampling.keep == "first_voxel":
        target, part = spec.spacing_for(grid.spacing), grid.array[0]
        for axis, (n, m) in enumerate(zip(grid.spatial, size, strict=True)):
            at = places(n, m, target[axis] / grid.spacing[axis], spec.resampling)
            part = np.take(part, np.clip(np.floor(at + 0.5), 0, n - 1).astype(np.intp), axis=axis)
        label[place(size, spec)] = part
    else:
        label[place(size, spec)] = resize_labels(grid.array[0], size)
    return label


def prepare_axes(image: Image, spec: Preprocess) -> Image:
    """``image`` set upright and turned to the package's axes, its values as they are."""
    if is_sheared(image):
        image = rectify(image)
    return reorient(image, spec.orientation) if spec.orientation and len(image.spatial) == 3 else image


def _rectified(grid: Image) -> Image:
    """A label map of a sheared grid, set upright."""
    upright = rectify(grid, order=0, fill=0)

    def share(
        part: NDArray[np.bool_], at: tuple[slice, ...]
    ) -> tuple[NDArray[np.float32], tuple[slice, ...]]:
        whole = np.zeros(grid.spatial, np.float32)
        whole[at] = part
        return rectify(grid.with_(array=whole[None]), order=1, fill=0).array[0], (slice(None),) * 3

    return upright.with_(array=largest_share(grid.array[0], upright.spatial, share)[None])


def prepare_boxes(boxes: Boxes, image: Image, spec: Preprocess) -> Boxes:
    """Boxes on ``image``'s grid, brought to the network's grid. None is dropped, also where it lies outside.

    Of a sheared volume each becomes the box that encloses it on the upright grid.
    """
    if boxes.axes == 2:
        size = target_size(image.spatial, image.spacing, spec, where=named(image))
        return placed(
            boxes.moved([new / old for new, old in zip(size, image.spatial, strict=True)]), size, spec
        )
    upright = image
    if is_sheared(image):
        upright = rectify(Image(np.zeros((1, *image.spatial), np.uint8), image.affine), order=0)
    spatial, affine = upright.spatial, upright.affine
    if spec.orientation:
        spatial, affine = oriented_grid(spatial, affine, spec.orientation)
    spacing = tuple(np.linalg.norm(affine[:3, :3], axis=0).tolist())
    size = target_size(spatial, spacing, spec, where=named(image))
    there = _moved_to(boxes, image.affine, affine)
    return placed(there.moved([new / old for new, old in zip(size, spatial, strict=True)]), size, spec)


def boxes_to_original(boxes: Boxes, prepared: Prepared) -> Boxes:
    """Boxes on the network's grid, brought back to the grid of the image as given. None is dropped.

    On a sheared grid each becomes the box that encloses it there.
    """
    size, oriented = prepared.array[0][prepared.inside].shape, prepared.oriented
    starts = np.array([part.start for part in prepared.inside] or [0] * boxes.axes, float)
    boxes = replace(boxes, low=boxes.low - starts, high=boxes.high - starts)
    back = boxes.moved([new / old for new, old in zip(oriented.spatial, size, strict=True)])
    return back if boxes.axes == 2 else _moved_to(back, oriented.affine, prepared.original.affine)


def oriented_grid(
    spatial: tuple[int, ...], affine: NDArray[np.float64], codes: str
) -> tuple[tuple[int, ...], NDArray[np.float64]]:
    """Size and affine that `reorient` gives a volume, without its voxels."""
    pairs = {code: "RLAPSI".index(code) // 2 for code in "RLAPSI"}
    have = axis_codes(affine)
    # From new indices to old ones.
    change, size = np.eye(4), []
    change[:3, :3] = 0
    for new, code in enumerate(codes):
        old = next(axis for axis, old_code in enumerate(have) if pairs[old_code] == pairs[code])
        same = have[old] == code
        change[old, new] = 1 if same else -1
        change[old, 3] = 0 if same else spatial[old] - 1
        size.append(spatial[old])
    return tuple(size), affine @ change


def _moved_to(boxes: Boxes, source: NDArray[np.float64], target: NDArray[np.float64]) -> Boxes:
    """Boxes on the grid of one affine as boxes on that of another, which enclose them where axes are askew."""
    # Rounding noise must not push a corner of an equal grid off its exact place.
    matrix = np.round(np.linalg.inv(target) @ source, 9)
    centre = ((boxes.low + boxes.high) / 2 - 0.5) @ matrix[:3, :3].T + matrix[:3, 3] + 0.5
    half = (boxes.high - boxes.low) / 2 @ np.abs(matrix[:3, :3]).T
    return replace(boxes, low=centre - half, high=centre + half)


def target_size(
    spatial: tuple[int, ...], spacing: tuple[float, ...], spec: Preprocess, *, where: str = ""
) -> tuple[int, ...]:
    """Voxel counts of the image on the network's grid: as stated, or from the stated spacing or zoom with the field of
    view kept. With ``fit: pad`` what the image fills of the grid, which is `grid_of` these.

    Raises GridTooLargeError (an InputError, beginning with ``where``) as `overread.imaging.grid.bounds`.
    """
    if spec.size and spec.fit == "pad":
        return fitted_size(spatial, spacing, spec.size, spec.spacing, where=where)
    if spec.size:
        check_grid(spec.size, spatial, spacing, where=where)
        return tuple(spec.size)
    if spec.spacing:
        target = spec.spacing_for(spacing)
        if spec.resampling is not None and spec.resampling.keep == "first_voxel":
            return size_of(spatial, spacing, target, spec.resampling, where=where)
        return spaced_size(spatial, spacing, target, where=where)
    if spec.zoom:
        return tuple(max(1, round(n * spec.zoom)) for n in spatial)
    return spatial


def named(image: Image) -> str:
    """What errors call an image."""
    return str(image.source.get("path") or "the image")


def decide(
    probability: NDArray[np.float32], prepared: Prepared, *, paints: Sequence[int] = ()
) -> NDArray[np.uint8]:
    """Label map on the original image's grid from class probabilities ``(labels, *grid)`` on the network's.

    Each class is resampled (linear) and compared in turn, so that one float volume is held at a time and not one
    per class; of equal probabilities the first label wins. With ``paints`` channels are no labels but regions: each
    writes its label where it is above a half.
    """
    size, rule = cut_size(prepared), prepared.spec.resampling if prepared.spec else None
    # Logits and logs of probabilities differ by the same at each voxel for all classes, which decides nothing.
    logits = rule is not None and rule.back == "logits"
    # A sheared grid takes the probabilities, which can be interpolated; any other the finished labels.
    sheared = prepared.upright.affine is not prepared.original.affine
    best: NDArray[np.float32] | None = None
    mask = np.zeros(prepared.original.spatial if sheared else size, np.uint8)
    for k, p in enumerate(probability):
        p = to_cut(np.log(np.maximum(p, TINY)) if logits else p, prepared)
        if sheared:
            nothing = np.log(TINY) if logits else 0.0
            background = k == 0 and not paints
            p = to_original(uncut(p, prepared, fill=float(not logits) if background else nothing), prepared)
        if paints:
            mask[p > (np.log(HALF) if logits else HALF)] = paints[k]
            continue
        if best is None:
            best = p.copy()
            continue
        higher = p > best
        mask[higher] = k
        np.maximum(best, p, out=best)
    return mask if sheared else to_original(uncut(mask, prepared), prepared)


def cut_size(prepared: Prepared) -> tuple[int, ...]:
    """Voxels per axis of what of the oriented image became network input."""
    return tuple(b.stop - b.start for b in prepared.box) or prepared.oriented.spatial


def to_cut(p: NDArray[np.float32], prepared: Prepared) -> NDArray[np.float32]:
    """One map ``(*grid)`` on the network's grid, brought to the oriented image's own as far as it became input."""
    size, spec = cut_size(prepared), prepared.spec
    p = p[prepared.inside]
    if spec is not None and spec.resampling is not None:
        own = prepared.oriented.spacing
        grid = spec.spacing_for(own)
        thick = thick_axis(own, grid, spec.resampling)
        rule = spec.resampling
        back = resampled(p[None], size, spacing=grid, target=own, rule=rule, order=1, thick=thick)
        return np.asarray(back[0], np.float32)
    return np.asarray(resize_array(p[None], size, order=1)[0], np.float32) if p.shape != size else p


def uncut(array: NDArray[Any], prepared: Prepared, *, fill: float = 0) -> NDArray[Any]:
    """An array on what became network input, among ``fill`` on the whole oriented grid."""
    if not prepared.box:
        return array
    whole = np.full(prepared.oriented.spatial, fill, array.dtype)
    whole[prepared.box] = array
    return whole


def to_original(array: NDArray[Any], prepared: Prepared) -> NDArray[Any]:
    """An array on the oriented grid, turned back to the image's own axes; onto a sheared grid floats are
    interpolated (linear), integers taken from the nearest voxel."""
    if array.ndim == 2:
        return array
    upright, original = prepared.upright, prepared.original
    back = reorient(Image(array[None], prepared.oriented.affine), axis_codes(upright.affine))
    if upright.affine is not original.affine:
        order = 1 if array.dtype.kind == "f" else 0
        back = resample_to(back, original.spatial, original.affine, order=order)
    return np.ascontiguousarray(back.array[0])
