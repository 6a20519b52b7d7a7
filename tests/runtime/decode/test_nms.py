"""Suppression against the plain definition, with the overlap of `overread.stats`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.runtime.decode.nms import suppress
from overread.stats.detection import box_iou


@settings(max_examples=80, deadline=None)
@given(st.integers(2, 3), st.integers(0, 40), st.sampled_from([0.0, 0.2, 0.5, 1.0]), st.integers(0, 2**31))
def test_against_the_definition(axes: int, n: int, overlap: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 8, (n, axes)).astype(float)
    high = low + rng.integers(0, 5, (n, axes))
    boxes = np.hstack([low, high])
    shared = box_iou(boxes, boxes)
    kept: list[int] = []
    for i in range(n):
        if all(shared[i, k] <= overlap for k in kept):
            kept.append(i)
    assert suppress(low, high, overlap=overlap).tolist() == kept


@pytest.mark.parametrize("axes", [2, 3])
def test_by_hand(axes: int) -> None:
    low = np.array([[0.0] * axes, [1.0] * axes, [20.0] * axes])
    assert suppress(low, low + 10, overlap=0.3).tolist() == [0, 2]
    assert suppress(low, low + 10, overlap=0.95).tolist() == [0, 1, 2]
