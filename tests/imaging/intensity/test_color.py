"""Colour and grey: against Pillow."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Pillow

from overread.errors import InputError
from overread.imaging.image import Image
from overread.imaging.intensity.color import to_gray, to_rgb


def test_gray_equals_pillow() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (9, 8, 3)).astype(np.uint8)
    image = Image(np.moveaxis(rgb, -1, 0), np.eye(4))
    gray = to_gray(image)
    assert gray.array.dtype == np.uint8
    expected = np.asarray(Pillow.fromarray(rgb).convert("L")).astype(int)
    assert np.abs(gray.array[0] - expected).max() <= 1
    assert to_gray(gray) is gray
    assert to_rgb(image) is image
    np.testing.assert_array_equal(to_gray(to_rgb(gray)).array, gray.array)
    for convert in (to_gray, to_rgb):
        with pytest.raises(InputError, match="has 2 channels"):
            convert(Image(np.zeros((2, 3, 3)), np.eye(4)))
