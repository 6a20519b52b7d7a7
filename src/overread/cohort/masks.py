"""The label map of a case, on the grid of its image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.cohort import Case
from overread.errors import InputError
from overread.imaging.grid.geometry import same_grid
from overread.imaging.image import Image
from overread.imaging.read import is_raster
from overread.imaging.read import read_labels as read_label_map


def read_mask(case: Case, image: Image, *, labels: int | None = None) -> NDArray[np.integer[Any]]:
    """Read the label map of a case: integers of shape ``image.spatial``, on the image's grid.

    With ``labels``, the number of labels with the background, every value must lie in ``0..labels - 1``.

    Raises
    ------
    InputError
        No mask, an unreadable one, values that are no whole numbers or outside the ``labels``, or another
        shape or affine than the image's; the case, the file and what was found and expected are named.
    """
    if case.mask is None:
        raise InputError(f"case {case.case}: has no mask; fill the column 'mask' of cohort.csv")
    try:
        array, affine = read_labels(case.mask)
    except InputError as error:
        raise InputError(f"case {case.case}: {error}") from error
    array = on_grid(case, image, array, affine)
    if labels is not None:
        odd = array[(array < 0) | (array >= labels)]
        if odd.size:
            raise InputError(
                f"case {case.case}: mask {case.mask} holds {int(odd.flat[0])}, expected whole numbers from 0 to "
                f"{labels - 1}; correct the mask or the protocol's labels"
            )
    return array


def on_grid(
    case: Case, image: Image, array: NDArray[np.integer[Any]], affine: NDArray[np.float64] | None
) -> NDArray[np.integer[Any]]:
    """The label map ``array`` of a case, if it lies on the image's grid (see `read_mask`)."""
    if array.shape != image.spatial:
        raise InputError(
            f"case {case.case}: mask {case.mask} has shape {array.shape}, "
            f"its image {_where(image)} has {image.spatial}; draw it on the image's own grid"
        )
    if affine is not None and not same_grid(array.shape, affine, image.spatial, image.affine):
        raise InputError(
            f"case {case.case}: mask {case.mask} has affine {_rows(affine)}, "
            f"its image {_where(image)} has {_rows(image.affine)}; draw it on the image's own grid"
        )
    return array


def read_labels(path: Path) -> tuple[NDArray[np.integer[Any]], NDArray[np.float64] | None]:
    """A label file as integers ``(*spatial)`` and its affine, which a picture (PNG, TIFF) has not.

    Raises
    ------
    InputError
        An unreadable file, several channels, values that are no whole numbers.
    """
    labels = read_label_map(path)
    return labels.array[0], None if is_raster(path) else labels.affine


def _where(image: Image) -> str:
    return str(image.source.get("path") or "")


def _rows(affine: NDArray[np.float64]) -> str:
    return "[" + "; ".join(" ".join(f"{v:.4g}" for v in row) for row in affine[:3]) + "]"
