"""Windows of answers: whole images where memory allows."""

from __future__ import annotations

import pytest

from overread.learn.planner.window import choose_window


@pytest.mark.parametrize(
    ("size", "patch", "multiple", "most", "window"),
    [
        ([96, 112, 54], [32, 32, 32], [16, 16, 8], 2**20, [96, 112, 56]),
        ([960, 999], [256, 256], [64, 64], 2**20, [960, 1024]),
        ([68, 100], [96, 128], [32, 32], 2**20, [96, 128]),
        ([512, 512, 300], [64, 64, 48], [16, 16, 16], 2**20, [128, 64, 96]),
        ([300, 40, 40], [32, 32, 32], [8, 8, 8], 2**16, [64, 32, 32]),
        ([300, 300], [64, 64], [8, 8], 64 * 64, [64, 64]),
    ],
)
def test_window(size, patch, multiple, most, window) -> None:
    assert choose_window(size, patch, multiple, most=most) == window
