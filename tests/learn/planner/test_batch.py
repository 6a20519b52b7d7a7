"""Pictures in a step by their size; volumes two."""

from __future__ import annotations

import pytest

from overread.learn.planner.batch import choose_batch


@pytest.mark.parametrize(
    ("patch", "batch"),
    [([96, 128], 8), ([128, 128], 8), ([192, 192], 4), ([256, 256], 2), ([1024, 1024], 2), ([32, 32, 32], 2)],
)
def test_batch(patch: list[int], batch: int) -> None:
    assert choose_batch(patch, dimensions=len(patch)) == batch
