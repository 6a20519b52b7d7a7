"""Resizing arrays against SciPy, and what must never change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from overread.imaging.grid.zoom import nearest_index, resize_array, zoom_matrix

sizes3 = st.lists(st.integers(1, 12), min_size=3, max_size=3)
sizes2 = st.lists(st.integers(1, 20), min_size=2, max_size=2)


@settings(max_examples=40, deadline=None)
@given(sizes3, st.lists(st.integers(0, 9), min_size=3, max_size=3), st.sampled_from([1, 3]))
def test_enlarging_equals_scipy(size, more, order) -> None:
    array = np.random.default_rng(0).normal(size=size).astype(np.float32)
    new = [n + m for n, m in zip(size, more, strict=True)]
    factors = [m / n for n, m in zip(size, new, strict=True)]
    expected = ndimage.zoom(array.astype(np.float64), factors, order=order, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(resize_array(array[None], new, order=order)[0], expected, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(sizes2, sizes2, st.sampled_from([0, 1, 3]), st.floats(-1000, 1000, width=32))
def test_constant_stays_constant(size, new, order, value) -> None:
    result = resize_array(np.full((2, *size), value, np.float32), new, order=order)
    assert result.shape == (2, *new)
    np.testing.assert_allclose(result, value, rtol=1e-5, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(sizes3, sizes3, st.integers(0, 2**32 - 1))
def test_labels_are_kept(size, new, seed) -> None:
    labels = np.random.default_rng(seed).integers(0, 5, (1, *size)).astype(np.uint8)
    result = resize_array(labels, new, order=0)
    assert result.dtype == np.uint8
    assert set(np.unique(result)) <= set(np.unique(labels))
    if all(m >= n for n, m in zip(size, new, strict=True)):
        np.testing.assert_array_equal(resize_array(result, size, order=0), labels)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40))
def test_nearest_equals_definition(n, m) -> None:
    centres = (np.arange(m) + 0.5) * n / m
    index = nearest_index(n, m)
    assert (index >= 0).all() and (index < n).all()
    # The centre lies in the cell [index, index + 1].
    assert (centres >= index - 1e-9).all() and (centres <= index + 1 + 1e-9).all()


@pytest.mark.parametrize("order", [1, 3])
def test_identity_is_exact(order) -> None:
    array = np.random.default_rng(0).normal(size=(1, 7, 5)).astype(np.float32)
    np.testing.assert_array_equal(resize_array(array, (7, 5), order=order), array)


def test_shrinking_does_not_alias() -> None:
    # A grating above the new grid's limit must vanish into its mean instead of turning into a slow wave.
    x = np.arange(256)
    grating = (100 + 50 * np.sin(2 * np.pi * x * 0.45)).astype(np.float32)[None, None]
    for order in (1, 3):
        small = resize_array(grating, (1, 64), order=order)[0, 0, 4:-4]
        assert np.abs(small - 100).max() < 3
    assert np.abs(resize_array(grating, (1, 64), order=0) - 100).max() > 30


def test_mean_is_kept_when_shrinking() -> None:
    array = np.random.default_rng(3).random((1, 120, 90)).astype(np.float32)
    assert resize_array(array, (30, 45), order=1).mean() == pytest.approx(array.mean(), abs=2e-3)


def test_matrices_are_shared_and_protected() -> None:
    matrix = zoom_matrix(8, 12, 3)
    assert matrix is zoom_matrix(8, 12, 3)
    with pytest.raises(ValueError):
        matrix[0, 0] = 1


@pytest.mark.parametrize(("size", "order"), [((3,), 1), ((3, 0), 1), ((3, 3), 2)])
def test_refusals(size, order) -> None:
    with pytest.raises(ValueError):
        resize_array(np.zeros((1, 4, 4)), size, order=order)


@pytest.mark.parametrize(("n", "m"), [(128, 160), (200, 37), (70, 71)])
def test_long_axes_skip_nothing_that_matters(n, m) -> None:
    array = np.random.default_rng(4).normal(size=(1, 3, n, 2)).astype(np.float32)
    for order in (1, 3):
        whole = np.einsum("mn,cxny->cxmy", zoom_matrix(n, m, order), array.astype(np.float64))
        np.testing.assert_allclose(resize_array(array, (3, m, 2), order=order), whole, atol=1e-6)


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_pieces_that_do_not_come_out_even(axis) -> None:
    # Longer than one chunk along every axis, in no round numbers.
    array = np.random.default_rng(5).normal(size=(1, 71, 83, 97)).astype(np.float32)
    size = list(array.shape[1:])
    size[axis - 1] = 103
    whole = np.moveaxis(
        np.tensordot(zoom_matrix(array.shape[axis], 103, 3), array.astype(np.float64), (1, axis)), 0, axis
    )
    np.testing.assert_allclose(resize_array(array, size, order=3), whole, atol=1e-6)
