"""The patch stays inside the image, and every voxel can be in it."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.learn.augment.place import place_patch

axes = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), min_size=2, max_size=3)


@settings(max_examples=100, deadline=None)
@given(axes, st.integers(0, 99))
def test_the_chosen_voxel_is_in_the_patch_and_the_patch_in_the_image(axes: list, seed: int) -> None:
    rng = np.random.default_rng(seed)
    spatial, size = [n for n, _ in axes], [s for _, s in axes]
    centre = [int(rng.integers(n)) for n in spatial]
    for a, n, s, c in zip(place_patch(spatial, size, centre), spatial, size, centre, strict=True):
        assert a <= c < a + s
        if n >= s:
            assert 0 <= a <= n - s
        else:
            assert a <= 0 and a + s >= n and abs((0 - a) - (a + s - n)) <= 1


def test_the_first_and_the_last_voxel_are_reached() -> None:
    assert place_patch([160], [64], [0]) == (0,)
    assert place_patch([160], [64], [159]) == (96,)
