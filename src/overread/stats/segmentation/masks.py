"""Checked masks of one label, voxel sizes and bounding boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array

from overread.stats.arrays import Bools, Floats


def label_masks(pred: ArrayLike, truth: ArrayLike, label: int) -> tuple[Bools, Bools]:
    """Masks of ``label`` in two label maps of one shape.

    Raises ValueError for different or empty shapes, NaN, numbers that are not whole (probabilities), and where
    label 1 is asked for but the maps hold 255 instead, as masks in image files do.
    """
    a, b = checked_maps(pred, truth)
    mask_a, mask_b = _mask(a, label), _mask(b, label)
    if label == 1 and not (mask_a.any() or mask_b.any()) and ((a == 255).any() or (b == 255).any()):
        raise ValueError("pred and truth hold no label 1 but 255; expected label=255, or masks of 0 and 1")
    return mask_a, mask_b


def checked_maps(pred: ArrayLike, truth: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """The two label maps as arrays of one shape, without NaN or fractions."""
    a, b = np.asarray(pred), np.asarray(truth)
    if a.shape != b.shape:
        raise ValueError(f"pred has shape {a.shape}, truth {b.shape}; expected one shape")
    if a.ndim < 1 or a.size == 0:
        raise ValueError(f"pred has shape {a.shape}, expected a label map with at least one voxel")
    for name, array in (("pred", a), ("truth", b)):
        if array.dtype.kind not in "biuf":
            raise ValueError(f"{name} holds {array.dtype}, expected numbers: one label for each voxel")
        if array.dtype.kind == "f":
            if not np.isfinite(array).all():
                raise ValueError(f"{name} holds NaN or infinite values, expected labels")
            if (array != np.rint(array)).any():
                raise ValueError(
                    f"{name} holds numbers that are not whole, expected labels 0, 1, 2, ...; compare "
                    "probabilities with a threshold first"
                )
    return a, b


def whole_labels(pred: ArrayLike, truth: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """The two maps as whole numbers from 0, for counting over all labels at once."""
    maps = []
    for name, array in zip(("pred", "truth"), checked_maps(pred, truth), strict=True):
        kinds = {"b": np.uint8, "f": np.int64}
        whole = array.astype(kinds[array.dtype.kind]) if array.dtype.kind in kinds else array
        if whole.dtype.kind == "i" and int(whole.min()) < 0:
            raise ValueError(f"{name} holds label {int(whole.min())}, expected labels from 0")
        maps.append(whole)
    return maps[0], maps[1]


def voxel_size(spacing: ArrayLike | None, ndim: int) -> Floats:
    """Voxel size per axis, 1 if not given. ValueError unless ``ndim`` positive numbers."""
    size = np.ones(ndim) if spacing is None else np.asarray(spacing, dtype=np.float64)
    if size.shape != (ndim,) or not (np.isfinite(size) & (size > 0)).all():
        raise ValueError(f"spacing is {spacing!r}, expected {ndim} positive numbers")
    return size


def diagonal(shape: tuple[int, ...], size: Floats) -> float:
    """Length of the image's diagonal: no distance inside the image is longer."""
    return float(np.linalg.norm(np.array(shape) * size))


def bounding_box(mask: Bools) -> tuple[slice, ...]:
    """Smallest box that holds the mask, which must not be empty."""
    box: list[slice] = []
    for axis in range(mask.ndim):
        others = tuple(i for i in range(mask.ndim) if i != axis)
        hit = np.flatnonzero(mask.any(axis=others))
        box.append(slice(int(hit[0]), int(hit[-1]) + 1))
        # Every axis that is cut makes the next search cheaper.
        mask = mask[(slice(None),) * axis + (box[-1],)]
    return tuple(box)


def union_box(a: tuple[slice, ...], b: tuple[slice, ...]) -> tuple[slice, ...]:
    """Smallest box that holds both boxes."""
    return tuple(slice(min(s.start, t.start), max(s.stop, t.stop)) for s, t in zip(a, b, strict=True))


def joint_counts(rows: NDArray[Any], columns: NDArray[Any], n: int, m: int) -> csr_array:
    """Voxels that lie in region i + 1 and part j + 1, a sparse matrix (n, m); number 0 is no region."""
    kept = (rows > 0) & (columns > 0)
    pairs = rows[kept].astype(np.int64) - 1, columns[kept].astype(np.int64) - 1
    # Building the sparse matrix adds up equal pairs.
    return coo_array((np.ones(len(pairs[0]), dtype=np.int64), pairs), shape=(n, m)).tocsr()


def _mask(array: NDArray[Any], label: int) -> Bools:
    mask: Bools = array if array.dtype == np.bool_ and label == 1 else array == label
    return mask
