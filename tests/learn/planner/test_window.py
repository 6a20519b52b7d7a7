"""Windows of answers: as few voxels as memory allows."""

from __future__ import annotations

import math

import pytest

from overread.learn.planner.patch import windows_of
from overread.learn.planner.window import MOST_VOXELS, choose_window


@pytest.mark.parametrize(
    ("size", "patch", "multiple", "window"),
    [
        ([96, 112, 54], [32, 40, 24], [8, 8, 4], [40, 112, 56]),
        ([68, 100], [96, 128], [32, 32], [96, 128]),
        ([256, 256], [192, 192], [64, 64], [256, 256]),
    ],
)
def test_window(size, patch, multiple, window) -> None:
    assert choose_window(size, patch, multiple, overlap=0.25) == window


@pytest.mark.parametrize(
    ("size", "patch", "multiple"),
    [
        ([96, 112, 54], [32, 40, 24], [8, 8, 4]),
        ([960, 999], [256, 256], [64, 64]),
        ([512, 512, 300], [64, 64, 48], [16, 16, 16]),
        ([300, 40, 40], [32, 32, 32], [8, 8, 8]),
    ],
)
def test_never_more_voxels_than_by_patches(size, patch, multiple) -> None:
    window = choose_window(size, patch, multiple, overlap=0.25)
    assert all(w >= p and w % m == 0 for w, p, m in zip(window, patch, multiple, strict=True))
    assert math.prod(window) <= MOST_VOXELS

    def voxels(w):
        return math.prod(w) * windows_of(size, w, overlap=0.25)

    assert voxels(window) <= voxels(patch)


def test_a_patch_beyond_the_limit_stays() -> None:
    assert choose_window([300, 300], [64, 64], [8, 8], overlap=0.5, most=100) == [64, 64]
