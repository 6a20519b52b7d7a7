"""From an Image to the network's input, and from the network's grid back. Used alike in training and clinic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from nibabel.orientations import aff2axcodes
from numpy.typing import NDArray

from overread.imaging.bias import n4
from overread.imaging.geometry import reorient, resize, resize_array
from overread.imaging.image import Image
from overread.imaging.intensity import to_gray, to_rgb
from overread.imaging.normalise import percentile_scale, zscore
from overread.imaging.nyul import Landmarks, standardise
from overread.runtime.manifest import Intensity, Preprocess


@dataclass(frozen=True)
class Prepared:
    """Network input ``(channels, *grid)`` float32, and what is needed to go back to the image's own grid."""

    array: NDArray[np.float32]
    affine: NDArray[np.float64]
    oriented: Image
    original: Image


def prepare(image: Image, spec: Preprocess) -> Prepared:
    """Colour, orientation, grid and intensity of ``image`` as the package's ``Preprocess`` states."""
    original = image
    if spec.color == "gray":
        image = to_gray(image)
    elif spec.color == "rgb":
        image = to_rgb(image)
    if spec.orientation and len(image.spatial) == 3:
        image = reorient(image, spec.orientation)
    oriented = image
    if spec.bias == "n4":
        image = n4(image)
    size = target_size(image.spatial, image.spacing, spec)
    if size != image.spatial:
        image = resize(image, size, order=1 if spec.dimensions == 2 else 3)
    array = np.stack([normalise(c, s) for c, s in zip(image.array, spec.intensity, strict=True)])
    return Prepared(array, image.affine, oriented, original)


def prepare_mask(mask: NDArray[np.integer], image: Image, spec: Preprocess) -> NDArray[np.uint8]:
    """A label map on ``image``'s grid, brought to the network's grid by nearest neighbour."""
    grid = Image(mask[None], image.affine)
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
    best: NDArray[np.float32] | None = None
    mask = np.zeros(size, np.uint8)
    for k, p in enumerate(probability):
        p = resize_array(p[None], size, order=1)[0] if p.shape != size else p
        if best is None:
            best = p.copy()
            continue
        higher = p > best
        mask[higher] = k
        np.maximum(best, p, out=best)
    return to_original(mask, prepared)


def to_original(mask: NDArray[np.uint8], prepared: Prepared) -> NDArray[np.uint8]:
    """An array on the reoriented grid, turned back to the axes of the image as given."""
    if mask.ndim == 2:
        return mask
    codes = "".join(aff2axcodes(prepared.original.affine))
    return np.ascontiguousarray(reorient(Image(mask[None], prepared.oriented.affine), codes).array[0])
