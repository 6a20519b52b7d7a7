"""Near-duplicates made to order: what happens to a picture between two archives; ``(rows, columns)`` uint8.

Used by the benchmark of `overread check` and by the tests, so that both speak of the same copies.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

Picture = NDArray[np.uint8]
Change = Callable[[Picture], Picture]


def turned(picture: Picture) -> Picture:
    """Turned by one degree."""
    return np.asarray(Pillow.fromarray(picture).rotate(1, Pillow.Resampling.BILINEAR))


def recompressed(picture: Picture, quality: int = 75) -> Picture:
    """JPEG of this quality."""
    file = io.BytesIO()
    Pillow.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Pillow.open(file))


def cropped(picture: Picture, share: float = 0.05) -> Picture:
    """This share off every side, one pixel or more."""
    rows, columns = (max(1, round(share * n)) for n in picture.shape)
    return np.ascontiguousarray(picture[rows:-rows, columns:-columns])


def brighter(picture: Picture) -> Picture:
    """A tenth more contrast, 8 grey values brighter."""
    return np.clip(picture * 1.1 + 8, 0, 255).astype(np.uint8)


def darker(picture: Picture) -> Picture:
    """A third of the contrast gone."""
    return (picture * 0.67).astype(np.uint8)


def all_of_it(picture: Picture) -> Picture:
    """Cropped, brighter, turned and recompressed."""
    return recompressed(turned(brighter(cropped(picture))))


def recompressed_hard(picture: Picture) -> Picture:
    """JPEG of quality 40, which at 28 pixels leaves four by four blocks of a few waves."""
    return recompressed(picture, 40)


def cropped_hard(picture: Picture) -> Picture:
    """10% off every side: a third of the image is gone."""
    return cropped(picture, 0.1)


USUAL: dict[str, Change] = {
    "turned by 1 degree": turned,
    "JPEG, quality 75": recompressed,
    "cropped by 5%": cropped,
    "brighter": brighter,
    "all four": all_of_it,
}
"""What `overread check` promises to find."""


def mirrored(picture: Picture) -> Picture:
    """Left and right exchanged."""
    return np.ascontiguousarray(picture[:, ::-1])


def upside_down(picture: Picture) -> Picture:
    """Turned by 180 degrees."""
    return np.ascontiguousarray(picture[::-1, ::-1])


def turned_90(picture: Picture) -> Picture:
    """Turned by 90 degrees."""
    return np.ascontiguousarray(np.rot90(picture))


def transposed(picture: Picture) -> Picture:
    """Rows and columns exchanged, as by a reader of another order of axes."""
    return np.ascontiguousarray(picture.T)


def inverted(picture: Picture) -> Picture:
    """Light and dark exchanged."""
    return 255 - picture


def mirrored_and_changed(picture: Picture) -> Picture:
    """Mirrored, then turned by a degree and recompressed."""
    return recompressed(turned(mirrored(picture)))


TURNED: dict[str, Change] = {
    "mirrored": mirrored,
    "turned by 180 degrees": upside_down,
    "turned by 90 degrees": turned_90,
    "rows and columns exchanged": transposed,
    "light and dark exchanged": inverted,
    "mirrored, turned by 1 degree, JPEG": mirrored_and_changed,
}
"""What augmented sets hold, also promised."""
HARD: dict[str, Change] = {
    "darker by a third": darker,
    "JPEG, quality 40": recompressed_hard,
    "cropped by 10%": cropped_hard,
}
