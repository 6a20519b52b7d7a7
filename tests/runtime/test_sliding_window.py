"""Blending: constant in, constant out, at every size, overlap and border; and the position is kept."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.errors import InputError
from overread.runtime.sliding_window import sliding_window, starts

axis = st.tuples(st.integers(1, 23), st.integers(1, 12))
strided = st.tuples(st.integers(1, 29), st.integers(1, 3))


def blend(
    array: np.ndarray,
    size: list[int],
    overlap: float,
    network: Callable[[np.ndarray], np.ndarray],
    batch: int = 1,
) -> np.ndarray:
    """The only output of a network that gives one array."""
    out = sliding_window(array, lambda b: {"y": network(b)}, size=size, overlap=overlap, batch=batch)
    assert out.strides["y"] == (1,) * len(size)
    return out.outputs["y"]


@settings(max_examples=60, deadline=None)
@given(st.lists(axis, min_size=2, max_size=3), st.sampled_from([0.0, 0.25, 0.5, 0.75]), st.integers(1, 3))
def test_constant_in_constant_out(axes: list[tuple[int, int]], overlap: float, batch: int) -> None:
    spatial, size = [n for n, _ in axes], [s for _, s in axes]
    array = np.zeros((1, *spatial), np.float32)
    out = blend(array, size, overlap, lambda b: np.ones((len(b), 2, *size), np.float32) * 3, batch)
    assert out.shape == (2, *spatial)
    np.testing.assert_allclose(out, 3, rtol=1e-5)


@settings(max_examples=60, deadline=None)
@given(st.lists(axis, min_size=2, max_size=3), st.sampled_from([0.0, 0.5]), st.integers(0, 2**31))
def test_a_network_that_copies_its_input_gives_the_input_back(
    axes: list[tuple[int, int]], overlap: float, seed: int
) -> None:
    spatial, size = [n for n, _ in axes], [s for _, s in axes]
    x = np.random.default_rng(seed).normal(size=(2, *spatial)).astype(np.float32)
    np.testing.assert_allclose(blend(x, size, overlap, lambda b: b), x, rtol=1e-4, atol=1e-5)


def cells(array: np.ndarray, stride: int) -> np.ndarray:
    """The first voxel of every cell of ``(batch, channels, *spatial)``."""
    return array[(slice(None), slice(None), *[slice(None, None, stride)] * (array.ndim - 2))]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(strided, min_size=2, max_size=3),
    st.sampled_from([0.0, 0.25, 0.5, 0.75]),
    st.sampled_from([(1,), (2,), (4,), (1, 4), (4, 2), (1, 2, 4)]),
    st.integers(1, 3),
    st.integers(0, 2**31),
)
def test_outputs_of_several_strides_keep_constants_and_places(
    axes: list[tuple[int, int]], overlap: float, strides: tuple[int, ...], batch: int, seed: int
) -> None:
    spatial, size = [n for n, _ in axes], [4 * k for _, k in axes]
    x = np.random.default_rng(seed).normal(size=(1, *spatial)).astype(np.float32)

    def network(windows: np.ndarray) -> dict[str, np.ndarray]:
        assert list(windows.shape[2:]) == size
        constant = {f"c{s}": np.full_like(cells(windows, s), 3) for s in strides}
        return constant | {f"x{s}": cells(windows, s) for s in strides}

    out = sliding_window(x, network, size=size, overlap=overlap, batch=batch)
    for s in strides:
        assert out.strides[f"x{s}"] == (s,) * len(size)
        assert out.outputs[f"c{s}"].shape == (1, *(-(-n // s) for n in spatial))
        np.testing.assert_allclose(out.outputs[f"c{s}"], 3, rtol=1e-5)
        np.testing.assert_allclose(out.outputs[f"x{s}"], cells(x[None], s)[0], rtol=1e-4, atol=1e-5)


def test_axes_may_have_strides_of_their_own() -> None:
    x = np.arange(18 * 11, dtype=np.float32).reshape(1, 18, 11)
    out = sliding_window(x, lambda b: {"y": b[:, :, ::4, ::3]}, size=[8, 6], overlap=0.5)
    assert out.strides == {"y": (4, 3)}
    np.testing.assert_allclose(out.outputs["y"], x[:, ::4, ::3], rtol=1e-4)


@pytest.mark.parametrize("shape", [(1, 2), (1, 2, 3, 4), (1, 2, 3, 3)])
def test_an_output_that_does_not_fit_its_window_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="output y has"):
        sliding_window(
            np.zeros((1, 9, 9), np.float32),
            lambda b: {"y": np.zeros(shape, np.float32)},
            size=[4, 4],
            overlap=0,
        )


@given(st.integers(0, 60), st.integers(1, 6), st.integers(1, 6), st.floats(0, 0.9))
def test_starts_on_multiples_cover_and_overlap(more: int, cells: int, multiple: int, overlap: float) -> None:
    size = cells * multiple
    length = size + more * multiple
    at = starts(length, size, overlap, multiple=multiple)
    assert at[0] == 0 and at[-1] == length - size and all(a % multiple == 0 for a in at)
    assert (np.diff(at) <= max(multiple, size * (1 - overlap)) + multiple / 2).all()
    assert (np.diff(at) <= size).all()


@given(st.integers(1, 400), st.integers(1, 64), st.floats(0, 0.9))
def test_windows_cover_and_overlap(length: int, size: int, overlap: float) -> None:
    length = max(length, size)
    at = starts(length, size, overlap)
    assert at[0] == 0 and at[-1] == length - size
    gaps = np.diff(at)
    assert (gaps <= max(1, size * (1 - overlap)) + 0.5).all()


def test_an_impossible_overlap_is_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        blend(np.zeros((1, 4, 4), np.float32), [2, 2], 1.0, lambda b: b)
