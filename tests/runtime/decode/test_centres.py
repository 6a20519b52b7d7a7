"""Boxes drawn into ideal maps come back where they were."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.heat import LABELS, draw, scattered

from overread.imaging.boxes import Boxes
from overread.runtime.decode.centres import LARGEST, centre_boxes


def decode(maps: dict[str, np.ndarray], stride: list[int], **changes: float) -> tuple[Boxes, np.ndarray]:
    settings = {"smallest_score": 0.05, "overlap": 0.3, "most": 300} | changes
    return centre_boxes(
        maps["heat"],
        maps["size"],
        maps["offset"],
        np.array(stride, float),
        smallest_score=settings["smallest_score"],
        overlap=settings["overlap"],
        most=int(settings["most"]),
    )


@settings(max_examples=80, deadline=None)
@given(st.integers(2, 3), st.sampled_from([1, 2, 4]), st.integers(0, 4), st.integers(0, 2**31))
def test_boxes_come_back(axes: int, step: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    spatial, stride = [56, 40, 32][:axes], [step] * axes
    truth = scattered(rng, n, spatial)
    found, logits = decode(draw(truth, spatial, stride), stride)
    assert len(found) == len(truth)
    for label in range(LABELS):
        a, b = truth.where(truth.labels == label), found.where(found.labels == label)
        assert len(a) == len(b)
        order_a, order_b = np.argsort(a.low[:, 0]), np.argsort(b.low[:, 0])
        assert np.abs(a.low[order_a] - b.low[order_b]).max(initial=0) < 0.01
        assert np.abs(a.high[order_a] - b.high[order_b]).max(initial=0) < 0.01
    np.testing.assert_allclose(found.scores, 1 / (1 + np.exp(-logits)))


@pytest.mark.parametrize("axes", [2, 3])
def test_strides_of_each_axis(axes: int) -> None:
    spatial, stride = [24, 24, 24][:axes], [1, 4, 2][:axes]
    truth = Boxes.of([[3.0, 5, 7][:axes]], [[8.5, 14, 20][:axes]], [1], axes=axes)
    found, _ = decode(draw(truth, spatial, stride), stride)
    np.testing.assert_allclose(found.low, truth.low, atol=1e-4)
    np.testing.assert_allclose(found.high, truth.high, atol=1e-4)
    assert found.labels.tolist() == [1]


def test_an_untrained_network_makes_no_endless_boxes() -> None:
    heat, wild = np.full((1, 4, 4), 5.0), np.full((2, 4, 4), 1e4)
    found, _ = decode({"heat": heat, "size": wild, "offset": wild}, [2, 2])
    assert len(found) == 1
    np.testing.assert_allclose(found.high - found.low, LARGEST)
    np.testing.assert_allclose((found.low + found.high) / 2, 2, atol=1e-6)


def test_only_the_best_peaks_are_looked_at() -> None:
    heat = np.full((1, 20, 20), -9.0)
    heat[0, ::4, ::4] = np.arange(25).reshape(5, 5)
    maps = {"heat": heat, "size": np.zeros((2, 20, 20)), "offset": np.zeros((2, 20, 20))}
    _, logits = decode(maps, [1, 1], most=3)
    assert logits.tolist() == [24, 23, 22]


def test_close_scores_near_one_keep_their_order() -> None:
    heat = np.full((1, 9, 9), -9.0)
    heat[0, 1, 1], heat[0, 7, 7] = 60, 61
    found, logits = decode({"heat": heat, "size": np.zeros((2, 9, 9)), "offset": np.zeros((2, 9, 9))}, [1, 1])
    assert found.scores[0] == found.scores[1] == 1 and logits.tolist() == [61, 60]
