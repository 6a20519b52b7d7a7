"""The picture of a result: square pixels, outlined finding, a line that says what it is not for."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as Pillow

from overread.clinic.results.picture import LONGEST_SIDE, draw
from overread.imaging.image import Image


def picture(image: Image, mask: np.ndarray | None, virtual: bool = False) -> np.ndarray:
    return np.asarray(Pillow.open(io.BytesIO(draw(image, mask, virtual=virtual))))


def volume(columns: int = 40, rows: int = 20, spacing: tuple[float, float] = (1, 1)) -> Image:
    array = np.random.default_rng(0).normal(100, 10, (1, columns, rows, 5)).astype(np.float32)
    return Image(array, np.diag([-spacing[0], -spacing[1], 4.0, 1.0]), "MR")


def test_pixels_are_square() -> None:
    wide = picture(volume(), None)
    assert wide.shape[1] == LONGEST_SIDE
    square = picture(volume(spacing=(1, 2)), None)
    assert square.shape[1] == LONGEST_SIDE
    assert LONGEST_SIDE < square.shape[0] < LONGEST_SIDE + 60
    assert wide.shape[0] < square.shape[0] - 200


def test_finding_is_in_colour_where_it_is() -> None:
    mask = np.zeros((40, 20, 5), np.uint8)
    mask[30:38, 2:6, 3] = 1
    shown = picture(volume(), mask).astype(int)
    coloured = np.ptp(shown, axis=2) > 30
    rows, columns = np.nonzero(coloured)
    scale = LONGEST_SIDE / 40
    assert 30 * scale - 2 <= columns.min() <= columns.max() <= 38 * scale + 2
    assert 2 * scale - 2 <= rows.min() <= rows.max() <= 6 * scale + 2
    assert not (np.ptp(picture(volume(), mask * 0).astype(int), axis=2) > 30).any()


def test_virtual_patients_are_said_to_be_virtual() -> None:
    one, other = picture(volume(), None), picture(volume(), None, virtual=True)
    assert one.shape == other.shape
    assert (one != other).any()


def test_one_plane() -> None:
    image = Image(np.arange(200, dtype=np.float32).reshape(1, 10, 20), np.eye(4), "CR")
    assert picture(image, np.zeros((10, 20), np.uint8)).shape[1] == LONGEST_SIDE
