"""Blending: constant in, constant out, at every size, overlap and border; and the position is kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.runtime.sliding_window import sliding_window, starts

axis = st.tuples(st.integers(1, 23), st.integers(1, 12))


@settings(max_examples=60, deadline=None)
@given(st.lists(axis, min_size=2, max_size=3), st.sampled_from([0.0, 0.25, 0.5, 0.75]), st.integers(1, 3))
def test_constant_in_constant_out(axes: list[tuple[int, int]], overlap: float, batch: int) -> None:
    spatial, size = [n for n, _ in axes], [s for _, s in axes]
    out = sliding_window(
        np.zeros((1, *spatial), np.float32),
        size,
        overlap,
        lambda b: np.ones((len(b), 2, *size), np.float32) * 3,
        batch,
    )
    assert out.shape == (2, *spatial)
    np.testing.assert_allclose(out, 3, rtol=1e-5)


@settings(max_examples=60, deadline=None)
@given(st.lists(axis, min_size=2, max_size=3), st.sampled_from([0.0, 0.5]), st.integers(0, 2**31))
def test_a_network_that_copies_its_input_gives_the_input_back(
    axes: list[tuple[int, int]], overlap: float, seed: int
) -> None:
    spatial, size = [n for n, _ in axes], [s for _, s in axes]
    x = np.random.default_rng(seed).normal(size=(2, *spatial)).astype(np.float32)
    np.testing.assert_allclose(sliding_window(x, size, overlap, lambda b: b), x, rtol=1e-4, atol=1e-5)


@given(st.integers(1, 400), st.integers(1, 64), st.floats(0, 0.9))
def test_windows_cover_and_overlap(length: int, size: int, overlap: float) -> None:
    length = max(length, size)
    at = starts(length, size, overlap)
    assert at[0] == 0 and at[-1] == length - size
    gaps = np.diff(at)
    assert (gaps <= max(1, size * (1 - overlap)) + 0.5).all()


def test_an_impossible_overlap_is_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        sliding_window(np.zeros((1, 4, 4), np.float32), [2, 2], 1.0, lambda b: b)
