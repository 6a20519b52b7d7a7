"""Patches fit the network and the limit."""

from __future__ import annotations

import math

import pytest
import torch

from overread.learn.planner.patch import coarse_axis, fit_patch, fit_size, object_limit, windows_of
from overread.nets.architecture import Need, by_name
from overread.nets.networks import NETWORKS, build

UNET, CENTERNET = NETWORKS["unet"], NETWORKS["centernet"]


@pytest.mark.parametrize("name", ["unet", "centernet"])
@pytest.mark.parametrize(
    ("size", "spacing", "limit"),
    [
        ([36, 50, 35], [1, 1, 1], 64 * 64 * 48),
        ([320, 320, 20], [0.6, 0.6, 4], 64 * 64 * 48),
        ([500, 700], [1, 1], 256 * 256),
        ([9, 9], [1, 1], 999),
    ],
)
def test_patches_fit_the_network_and_the_limit(
    name: str, size: list[int], spacing: list[float], limit: int
) -> None:
    d, made = len(size), NETWORKS[name]
    patch, arguments = fit_patch(made, Need(d, tuple(size), tuple(spacing), False), limit)
    assert math.prod(patch) <= limit
    arguments["widths"] = [4] * len(arguments["widths"])
    with torch.no_grad():
        outputs = by_name(build(name, d, 1, 2, arguments)(torch.zeros(1, 1, *patch)))
    cells = tuple(n // s for n, s in zip(patch, made.stride(arguments, d), strict=True))
    assert all(tuple(v.shape[2:]) == cells for v in outputs.values())


def test_an_image_below_the_limit_is_seen_whole() -> None:
    assert fit_patch(UNET, Need(3, (36, 50, 35), (1, 1, 1), False), 64 * 64 * 48)[0] == [40, 56, 40]


def test_a_patch_at_its_smallest_is_returned_whatever_the_limit() -> None:
    patch, arguments = fit_patch(UNET, Need(2, (64, 64), (1, 1), False), 1)
    assert patch == list(UNET.multiple(arguments, 2))


@pytest.mark.parametrize(
    ("shape", "limit", "size"),
    [
        ((480, 640), 256 * 256, [224, 288]),
        ((100, 100), 256 * 256, [96, 96]),
        ((256, 256), 256 * 256, [256, 256]),
        ((2000, 200), 256 * 256, [800, 80]),
    ],
)
def test_a_picture_is_shrunk_in_its_proportions(shape: tuple, limit: int, size: list[int]) -> None:
    found = fit_size(CENTERNET, Need(2, shape, (1.0, 1.0), False), limit)
    assert found == size and math.prod(found) <= limit


def test_windows() -> None:
    assert windows_of([40, 40], [64, 64]) == 1
    assert windows_of([100, 64], [64, 64]) == 3


def test_thick_slices() -> None:
    assert coarse_axis([0.6, 0.6, 4.0]) == 2
    assert coarse_axis([1.0, 1.0, 2.0]) is None


@pytest.mark.parametrize(
    ("extents", "d", "voxels"),
    [
        ([46], 2, 184**2),
        ([300], 2, 256**2),
        ([10], 2, 128**2),
        ([5], 3, 32**3),
        ([5, 11], 3, 44**3),
        ([], 3, 64 * 64 * 48),
    ],
)
def test_a_patch_shows_an_object_and_what_is_around_it(extents: list[float], d: int, voxels: int) -> None:
    limit = {2: 256**2, 3: 64 * 64 * 48}[d]
    assert object_limit(extents, dimensions=d, limit=limit) == voxels
