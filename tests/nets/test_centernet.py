"""The centre network's stride follows the objects, and it starts where learning is quick."""

from __future__ import annotations

import math

import pytest
import torch

from overread.nets.architecture import Need
from overread.nets.networks import NETWORKS, build

CENTERNET = NETWORKS["centernet"]


@pytest.mark.parametrize(
    ("dimensions", "objects", "stride"),
    [
        (2, (), [4, 4]),
        (3, (), [2, 2, 2]),
        (2, (40.0, 40.0), [4, 4]),
        (2, (10.0, 10.0), [2, 2]),
        (2, (11.0, 30.0), [4, 4]),
        (2, (4.0, 90.0), [2, 2]),
        (2, (5.0, 5.0), [1, 1]),
        (3, (7.0, 7.0, 7.0), [2, 2, 2]),
        (3, (30.0, 30.0, 30.0), [4, 4, 4]),
    ],
)
def test_a_typical_object_spans_three_cells(dimensions: int, objects: tuple, stride: list[int]) -> None:
    need = Need(dimensions, (64,) * dimensions, (1.0,) * dimensions, False, objects)
    arguments = CENTERNET.arguments(need)
    assert arguments["stride"] == stride
    network = build("centernet", dimensions, 1, 1, arguments)
    with torch.no_grad():
        heat = network(torch.zeros(1, 1, *need.size))["heat"]
    assert heat.shape[2:] == tuple(n // s for n, s in zip(need.size, stride, strict=True))


def test_thick_slices_keep_a_cell_each() -> None:
    arguments = CENTERNET.arguments(Need(3, (128, 128, 16), (0.7, 0.7, 5.0), False, (20.0, 20.0, 2.8)))
    assert arguments["stride"] == [4, 4, 1]


def test_it_starts_with_no_centres_and_the_guessed_size() -> None:
    arguments = CENTERNET.arguments(Need(2, (64, 64), (1.0, 1.0), False, (12.0, 20.0)))
    torch.manual_seed(0)
    with torch.no_grad():
        out = build("centernet", 2, 1, 2, arguments)(torch.randn(2, 1, 64, 64))
    assert out["heat"].sigmoid().mean() == pytest.approx(0.1, abs=0.03)
    assert out["size"].mean((0, 2, 3)).tolist() == pytest.approx([math.log(12), math.log(20)], abs=0.3)
    assert out["offset"].mean().item() == pytest.approx(0.5, abs=0.3)
