"""Arrays on the image's grid as frames of an object, in the order of the source's planes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from overread.clinic.results.planes import ImagePlane
from overread.errors import InputError

Number = TypeVar("Number", bound=np.generic)


def frames_of(array: NDArray[Number]) -> NDArray[Number]:
    """``(column, row, slice)`` to ``(frame, row, column)``; one plane ``(row, column)`` to one frame."""
    return array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 1, 0))


def in_source_order(
    frames: NDArray[Number], planes: Sequence[ImagePlane], header: Dataset
) -> NDArray[Number]:
    """Frames in the image's order, put into the order of a multi-frame source's own frames.

    Raises InputError where the source has another number of planes.
    """
    if len(planes) != len(frames):
        raise InputError(
            f"series {header.SeriesInstanceUID}: the answer has {len(frames)} planes, the images have "
            f"{len(planes)} (repeated planes?); no object can refer to them"
        )
    out = np.empty_like(frames)
    out[[k if p.frame is None else p.frame - 1 for k, p in enumerate(planes)]] = frames
    return out
