"""Peaks: nothing around a peak is higher, everything that is not one has something higher or equal before it."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from overread.runtime.decode.peaks import peaks


@pytest.mark.parametrize("dimensions", [2, 3])
def test_by_hand(dimensions: int) -> None:
    values = np.full((5,) * dimensions, -4.0)
    values[(1,) * dimensions] = 2
    values[(2,) * dimensions] = 1  # touches the first by a corner
    values[(4,) * dimensions] = 3
    assert peaks(values, -3).tolist() == [[4] * dimensions, [1] * dimensions]
    assert peaks(values, 2.5).tolist() == [[4] * dimensions]
    assert peaks(values, 9).shape == (0, dimensions)


def test_a_flat_top_is_one_peak() -> None:
    values = np.zeros((4, 6))
    values[1, 2:5] = 7
    assert peaks(values, 1).tolist() == [[1, 2]]
    values[2, 1] = 7
    assert peaks(values, 1).tolist() == [[1, 2]]


@settings(max_examples=60, deadline=None)
@given(
    arrays(
        np.float64, array_shapes(min_dims=2, max_dims=3, max_side=6), elements=st.sampled_from([0.0, 1, 2, 3])
    )
)
def test_against_the_definition(values: np.ndarray) -> None:
    wide = np.pad(values, 1, constant_values=-np.inf)
    expected = set()
    for cell in np.ndindex(values.shape):
        around = {
            step: wide[tuple(c + 1 + s for c, s in zip(cell, step, strict=True))]
            for step in product((-1, 0, 1), repeat=values.ndim)
        }
        earlier = [v for step, v in around.items() if step < (0,) * values.ndim]
        if values[cell] >= 1 and values[cell] >= max(around.values()) and values[cell] > max(earlier):
            expected.add(cell)
    found = peaks(values, 1)
    assert {tuple(c) for c in found.tolist()} == expected
    heights = values[tuple(found.T)]
    assert (np.diff(heights) <= 0).all()
