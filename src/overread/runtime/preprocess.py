"""From an Image to the network's input, and from the network's grid back. Used alike in training and clinic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from nibabel.orientations import aff2axcodes
from numpy.typing import NDArray

from overread.imaging.grid.geometry import rectify, reorient, resample_to, resize, resize_array, right_angled
from overread.imaging.image import Image
from overread.imaging.intensity.bias import n4
from overread.imaging.intensity.color import to_gray, to_rgb
from overread.imaging.intensity.normalise import percentile_scale, zscore
from overread.imaging.intensity.nyul import Landmarks, standardise
from overread.runtime.manifest import Intensity, Preprocess

SHEAR = 0.0175
"""Scalar product of two axes' directions, 1 degree, from which a volume counts as sheared."""


@dataclass(frozen=True)
class Prepared:
    """Network input ``(channels, *grid)`` float32, and what is needed to go back to the image's own grid.

    ``original`` is the image as given, ``upright`` the same on right-angled axes (the original itself unless that is
    sheared), ``oriented`` that with its axes in the package's order. ``notes`` are the image's and what was added.
    """

    array: NDArray[np.float32]
    affine: NDArray[np.float64]
    oriented: Image
    upright: Image
    original: Image
    notes: tuple[str, ...] = ()


def prepare(image: Image, spec: Preprocess) -> Prepared:
    """Colour, orientation, grid and intensity of ``image`` as the package's ``Preprocess`` states.

    A sheared volume (slices of a tilted gantry) is first set upright slice by slice, with a note: on its own grid a
    network would see the patient leaning. Masks come back onto the grid as given.

    Raises InputError where the grid is sheared too far to be set upright (see `rectify`).
    """
    original = image
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
    size = target_size(image.spatial, image.spacing, spec)
    if size != image.spatial:
        image = resize(image, size, order=1 if spec.dimensions == 2 else 3)
    array = np.stack([normalise(c, s) for c, s in zip(image.array, spec.intensity, strict=True)])
    return Prepared(array, image.affine, oriented, upright, original, image.notes)


def is_sheared(image: Image) -> bool:
    """Whether a volume's axes are off their right angles by a degree or more: less is no more than patients differ."""
    return len(image.spatial) == 3 and not right_angled(image.affine, SHEAR)


def prepare_mask(mask: NDArray[np.integer], image: Image, spec: Preprocess) -> NDArray[np.uint8]:
    """A label map on ``image``'s grid, brought to the network's grid by nearest neighbour."""
    grid = Image(mask[None], image.affine)
    if is_sheared(grid):
        grid = rectify(grid, order=0, fill=0)
    if spec.orientation and mask.ndim == 3:
        grid = reorient(grid, spec.orientation)
    size = target_size(grid.spatial, grid.spacing, spec)
    if size != grid.spatial:
        grid = resize(grid, size, order=0)
    return np.ascontiguousarray(grid.array[0], np.uint8)


def target_size(spatial: tuple[int, ...], spacing: tuple[float, ...], spec: Preprocess) -> tuple[int, ...]:
    """Voxel counts of the network's grid: as stated, or from the stated spacing with the field of view kept."""
    if spec.size:
        return tuple(spec.size)
    if spec.spacing:
        pairs = zip(spatial, spacing, spec.spacing, strict=True)
        return tuple(max(1, round(n * have / want)) for n, have, want in pairs)
    return spatial


def normalise(channel: NDArray, spec: Intensity) -> NDArray[np.float32]:
    """One channel's grey values as network input; see `Intensity`. A constant image gives zeros."""
    if spec.method == "zscore":
        return zscore(channel)
    if spec.method == "percentile":
        assert spec.percentiles is not None
        return percentile_scale(channel, spec.percentiles[0], spec.percentiles[1])
    if spec.method == "nyul":
        assert spec.percentiles is not None and spec.landmarks is not None
        x = standardise(channel, Landmarks(spec.percentiles, spec.landmarks))
    else:
        x = np.asarray(channel, np.float32)
        if spec.low is not None or spec.high is not None:
            x = np.clip(x, spec.low, spec.high)
    return (x - np.float32(spec.mean)) / np.float32(spec.std)


def decide(probability: NDArray[np.float32], prepared: Prepared) -> NDArray[np.uint8]:
    """Label map on the original image's grid from class probabilities ``(labels, *grid)`` on the network's.

    Each class is resampled (linear) and compared in turn, so that one float volume is held at a time and not one
    per class; of equal probabilities the first label wins.
    """
    size = prepared.oriented.spatial
    # A sheared grid takes the probabilities, which can be interpolated; any other the finished labels.
    sheared = prepared.upright.affine is not prepared.original.affine
    best: NDArray[np.float32] | None = None
    mask = np.zeros(prepared.original.spatial if sheared else size, np.uint8)
    for k, p in enumerate(probability):
        p = resize_array(p[None], size, order=1)[0] if p.shape != size else p
        if sheared:
            p = to_original(p, prepared)
        if best is None:
            best = p.copy()
            continue
        higher = p > best
        mask[higher] = k
        np.maximum(best, p, out=best)
    return mask if sheared else to_original(mask, prepared)


def to_original(array: NDArray[Any], prepared: Prepared) -> NDArray[Any]:
    """An array on the oriented grid, turned back to the image's own axes; onto a sheared grid floats are
    interpolated (linear), integers taken from the nearest voxel."""
    if array.ndim == 2:
        return array
    upright, original = prepared.upright, prepared.original
    codes = "".join(aff2axcodes(upright.affine))
    back = reorient(Image(array[None], prepared.oriented.affine), codes)
    if upright.affine is not original.affine:
        order = 1 if array.dtype.kind == "f" else 0
        back = resample_to(back, original.spatial, original.affine, order=order)
    return np.ascontiguousarray(back.array[0])
