"""Numbers of one image's pixels that checks compare over a cohort."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from overread.cohort.checks.guard import reason
from overread.cohort.near_duplicates import thumbnail
from overread.imaging.burned_in import text_lines
from overread.imaging.image import Image
from overread.imaging.intensity.color import to_gray
from overread.imaging.picture import slice_of

T = TypeVar("T")
SAMPLE = 65_536
# Share of a picture's side that its corners and its rim take up.
CORNER, RIM = 0.12, 0.06
UNKNOWN = (float("nan"),) * 4


@dataclass(frozen=True)
class Measured:
    """``middle`` and ``spread``: median and half the range of the middle 90% of grey values of the first channel (RGB:
    luma). ``top`` and ``most``: share of pixels at the highest and at the most frequent value. ``border``: mean
    and standard deviation of each corner, mean of each edge. ``characters``: of text burned into the pixels.
    ``failed``: what could not be measured, and why; its number is NaN, empty or 0.
    """

    middle: float = 0.0
    spread: float = 0.0
    top: float = 0.0
    most: float = 0.0
    border: tuple[float, ...] = ()
    characters: int = 0
    thumbnail: NDArray[np.float16] | None = field(default=None, compare=False, repr=False)
    failed: tuple[tuple[str, str], ...] = ()


def measure(image: Image) -> Measured:
    """Measure one image; of a volume, ``border`` and ``characters`` tell about its middle slice. Nothing is raised."""
    failed: list[tuple[str, str]] = []

    def attempt(what: str, of: Callable[[], T], otherwise: T) -> T:
        try:
            return of()
        except Exception as error:
            failed.append((what, reason(error)))
            return otherwise

    gray = attempt("gray values of a colour picture", lambda: _gray(image), image)
    middle, spread, top, most = attempt("brightness and contrast", lambda: _levels(gray), UNKNOWN)
    edges = attempt("corners and edges", lambda: border(_plane(gray)), tuple[float, ...]())
    characters = attempt("text burned into the pixels", lambda: _characters(gray), 0)
    small = attempt("near-duplicates", lambda: thumbnail(image), None)
    return Measured(middle, spread, top, most, edges, characters, small, tuple(failed))


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


def _gray(image: Image) -> Image:
    return to_gray(image) if len(image.array) == 3 else image


def _plane(gray: Image) -> NDArray[Any]:
    """The picture, or the middle slice of a volume."""
    values = gray.array[0]
    return np.nan_to_num(values if values.ndim == 2 else slice_of(gray, values.shape[2] // 2))


def _characters(gray: Image) -> int:
    return sum(line.characters for line in text_lines(_plane(gray)))


def _levels(gray: Image) -> tuple[float, float, float, float]:
    values = gray.array[0]
    # Any order of voxels will do; that in which they lie needs no copy of the volume.
    sample = np.nan_to_num(values.ravel("K")[:: max(1, values.size // SAMPLE)])
    highest = np.nan_to_num(np.nanmax(values)) if values.size else 0
    low, middle, high = np.percentile(sample, [5, 50, 95]).tolist()
    top = float(np.mean(sample == highest))
    most = float(np.unique(sample, return_counts=True)[1].max() / len(sample))
    return middle, (high - low) / 2, top, most
