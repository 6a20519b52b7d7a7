"""Numbers of one image's pixels that checks compare over a cohort."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.checks.burned_in import text_lines
from overread.cohort.near_duplicates import thumbnail
from overread.imaging.image import Image
from overread.imaging.intensity.color import to_gray
from overread.imaging.picture import slice_of

SAMPLE = 65_536
# Share of a picture's side that its corners and its rim take up.
CORNER, RIM = 0.12, 0.06


@dataclass(frozen=True)
class Measured:
    """``middle`` and ``spread``: median and half the range of the middle 90% of grey values of the first channel (RGB:
    luma). ``top`` and ``most``: share of pixels at the highest and at the most frequent value. ``border``: mean
    and standard deviation of each corner, mean of each edge. ``characters``: of text burned into the pixels.
    """

    middle: float = 0.0
    spread: float = 0.0
    top: float = 0.0
    most: float = 0.0
    border: tuple[float, ...] = ()
    characters: int = 0
    thumbnail: NDArray[np.float16] | None = field(default=None, compare=False, repr=False)


def measure(image: Image) -> Measured:
    """Measure one image; of a volume, ``border`` and ``characters`` tell about its middle slice."""
    gray = to_gray(image) if len(image.array) == 3 else image
    values = np.nan_to_num(gray.array[0])
    plane = np.nan_to_num(slice_of(gray, 0 if values.ndim == 2 else values.shape[2] // 2))
    sample = values.reshape(-1)[:: max(1, values.size // SAMPLE)]
    low, middle, high = np.percentile(sample, [5, 50, 95]).tolist()
    return Measured(
        middle,
        (high - low) / 2,
        float(np.mean(sample == values.max())),
        float(np.unique(sample, return_counts=True)[1].max() / len(sample)),
        border(plane),
        sum(line.characters for line in text_lines(plane)),
        thumbnail(image),
    )


def border(plane: NDArray[Any]) -> tuple[float, ...]:
    """Mean and standard deviation of the four corners, and mean of the four edges, of ``(rows, columns)``."""
    rows, columns = (max(1, round(CORNER * n)) for n in plane.shape)
    corners = [
        plane[y, x]
        for y in (slice(rows), slice(-rows, None))
        for x in (slice(columns), slice(-columns, None))
    ]
    rows, columns = (max(1, round(RIM * n)) for n in plane.shape)
    edges = (plane[:rows], plane[-rows:], plane[:, :columns], plane[:, -columns:])
    return (
        *(float(c.mean()) for c in corners),
        *(float(c.std()) for c in corners),
        *(float(e.mean()) for e in edges),
    )
