"""Intensities: definitions checked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from overread.errors import InputError
from overread.imaging.image import Image
from overread.imaging.intensity import clip_scale, percentiles, to_gray, to_rgb, zscore


@given(st.integers(0, 2**32 - 1), st.floats(-1e4, 1e4), st.floats(0.01, 1e3))
def test_zscore(seed, mean, std) -> None:
    values = np.random.default_rng(seed).normal(mean, std, (1, 20, 30))
    result = zscore(values)
    assert result.dtype == np.float32
    assert result.mean() == pytest.approx(0, abs=5e-2 if std < abs(mean) / 1e4 else 1e-3)
    assert result.std() == pytest.approx(1, rel=5e-2 if std < abs(mean) / 1e4 else 1e-3)


def test_zscore_over_a_mask() -> None:
    values = np.array([[0, 0, 1, 3, 5]], np.int16)
    np.testing.assert_allclose(zscore(values, values > 0)[0, 2:], [-(1.5**0.5), 0, 1.5**0.5], rtol=1e-6)
    np.testing.assert_array_equal(zscore(np.full((3, 3), 7.3)), np.zeros((3, 3)))
    np.testing.assert_array_equal(zscore(values, values > 9), values)


def test_clip_scale() -> None:
    values = np.array([-2000, -100, 0, 50, 3000], np.int16)
    np.testing.assert_allclose(clip_scale(values, -100, 200, 50, 25), [-6, -6, -2, 0, 6])
    np.testing.assert_allclose(clip_scale(values, None, None, 0, 1), values)
    np.testing.assert_array_equal(values, [-2000, -100, 0, 50, 3000])
    with pytest.raises(ValueError, match="std"):
        clip_scale(values, 0, 1, 0, 0)


def test_percentiles() -> None:
    values = np.arange(101)
    np.testing.assert_allclose(percentiles(values, [0, 50, 99.5]), [0, 50, 99.5])
    np.testing.assert_allclose(percentiles(values, [50], values > 50), [75.5])
    assert np.isnan(percentiles(values, [50], values > 500)).all()


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
