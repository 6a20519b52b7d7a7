"""Slabs: the same numbers as a blend of the whole, along every axis, in order and each row once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.runtime.sliding_window import collected, layout_of, weights_of
from overread.runtime.stream import Layout, Weights, best_axis, stream

axis_sizes = st.tuples(st.integers(1, 23), st.integers(1, 9))


def whole(array: np.ndarray, network: object, layout: Layout, weight: np.ndarray) -> np.ndarray:
    """Every window added to sums of the whole image: written out, nothing streamed."""
    padded = [
        max(n + 2 * s, line[-1] + s)
        for n, s, line in zip(layout.spatial, layout.size, layout.starts, strict=True)
    ]
    total, sums = np.zeros((2, *padded), np.float32), np.zeros(padded, np.float32)
    for start in layout.starts[0]:
        for corner in layout.corners(start, 0):
            at = tuple(slice(c, c + s) for c, s in zip(corner, layout.size, strict=True))
            total[(slice(None), *at)] += network(layout.window(array, corner)[None])["y"][0] * weight  # type: ignore[operator]
            sums[at] += weight
    cut = tuple(slice(b, b + n) for b, n in zip(layout.before, layout.spatial, strict=True))
    return total[(slice(None), *cut)] / sums[cut]


def ramp(batch: np.ndarray) -> dict[str, np.ndarray]:
    """Outputs that depend on the window, so that the blend depends on all of them."""
    return {"y": np.concatenate([batch + batch.mean(), batch * np.linspace(0, 1, batch.shape[-1])], axis=1)}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(axis_sizes, min_size=2, max_size=3),
    st.sampled_from([0.0, 0.25, 0.5, 0.75]),
    st.integers(0, 2),
    st.integers(0, 2**31),
)
def test_slabs_are_the_whole_bit_for_bit(
    axes: list[tuple[int, int]], overlap: float, along: int, seed: int
) -> None:
    spatial, size = [n for n, _ in axes], [s for _, s in axes]
    along %= len(axes)
    x = np.random.default_rng(seed).normal(size=(1, *spatial)).astype(np.float32)
    layout, weight = layout_of(spatial, size, overlap), weights_of(size)
    expected = whole(x, ramp, layout, weight)
    at = 0
    for slab in stream(x, ramp, layout, {"y": Weights(weight, (1,) * len(size))}, axis=along):
        assert slab.start == at < slab.stop
        found = np.moveaxis(slab.output, along + 1, 0)
        # The order in which windows add up is that of the axis: only the last bit may differ along others.
        reference = np.moveaxis(expected, along + 1, 0)[slab.start : slab.stop]
        np.testing.assert_allclose(found, reference, rtol=2e-6, atol=2e-6)
        if along == 0:
            np.testing.assert_array_equal(found, reference)
        at = slab.stop
    assert at == spatial[along]


@settings(max_examples=15, deadline=None)
@given(st.lists(axis_sizes, min_size=2, max_size=3), st.sampled_from([0.0, 0.5]), st.integers(1, 5))
def test_empty_windows_are_filled_without_the_network(
    axes: list[tuple[int, int]], overlap: float, batch: int
) -> None:
    spatial, size = [n for n, _ in axes], [s for _, s in axes]
    x = np.zeros((1, *spatial), np.float32)
    x[(0, *(n // 2 for n in spatial))] = 1
    layout, weights = layout_of(spatial, size, overlap), {"y": Weights(weights_of(size), (1,) * len(size))}
    asked: list[int] = []

    def network(windows: np.ndarray) -> dict[str, np.ndarray]:
        assert windows.max(axis=tuple(range(1, windows.ndim))).all()
        asked.append(len(windows))
        return {"y": np.concatenate([windows, 1 - windows], axis=1)}

    done: list[int] = []
    parts = [
        slab.output.copy()
        for slab in stream(
            x,
            network,
            layout,
            weights,
            batch=batch,
            empty=lambda window: not window.any(),
            fill={"y": np.array([0, 1], np.float32)},
            advance=done.append,
        )
    ]
    np.testing.assert_allclose(
        np.concatenate(parts, axis=1), np.concatenate([x, 1 - x]), rtol=1e-5, atol=1e-6
    )
    assert sum(done) == np.prod([len(line) for line in layout.starts]) >= sum(asked) >= 1


def test_the_stream_goes_along_the_axis_of_which_a_window_is_the_least() -> None:
    assert best_axis((512, 512, 800), (96, 96, 96)) == 2
    assert best_axis((512, 512, 20), (64, 64, 64)) == 0
    assert best_axis((300, 300, 300), (96, 96, 32)) == 2


def test_it_holds_a_window_s_rows_and_no_more() -> None:
    """Rows are handed on while windows are still to come."""
    x = np.ones((1, 64, 8, 8), np.float32)
    size = (8, 8, 8)
    layout, seen = layout_of(x.shape[1:], size, 0.5), []

    def network(batch: np.ndarray) -> dict[str, np.ndarray]:
        seen.append(1)
        return {"y": batch}

    for slab in stream(x, network, layout, {"y": Weights(weights_of(size), (1, 1, 1))}):
        assert slab.stop == 64 or 4 * len(seen) == slab.stop
    np.testing.assert_allclose(
        collected(x, network, layout, {"y": Weights(weights_of(size), (1, 1, 1))})["y"], x
    )
