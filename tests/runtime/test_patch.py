"""A patch has the network's size, holds its centre, and shows nothing that the image does not hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.runtime.patch import centre_patch

axis = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(0, 8))


@given(st.lists(axis, min_size=2, max_size=3), st.booleans())
def test_size_centre_and_values(axes: list[tuple[int, int, int]], given_centre: bool) -> None:
    spatial, size = [n for n, _, _ in axes], [p for _, p, _ in axes]
    centre = [min(c, n - 1) for n, _, c in axes] if given_centre else None
    array = np.arange(2 * np.prod(spatial), dtype=np.float32).reshape(2, *spatial)
    patch = centre_patch(array, size, centre)
    assert patch.shape == (2, *size) and patch.flags.c_contiguous
    assert set(patch[1].flat) <= set(array[1].flat)
    at = (
        tuple(centre)
        if centre
        else tuple((n - 1) // 2 if n >= p else 0 for n, p in zip(spatial, size, strict=True))
    )
    assert array[(0, *at)] in patch[0]
    if all(n >= p for n, p in zip(spatial, size, strict=True)):
        assert len(set(patch.flat)) == patch.size


def test_by_hand() -> None:
    row = np.arange(7, dtype=np.float32)[None, None]
    assert centre_patch(row, [1, 3])[0, 0].tolist() == [2, 3, 4]
    assert centre_patch(row, [1, 3], [0, 5])[0, 0].tolist() == [4, 5, 6]
    assert centre_patch(row, [1, 3], [0, 0])[0, 0].tolist() == [0, 1, 2]
    assert centre_patch(row, [1, 10])[0, 0].tolist() == [0, 0, 1, 2, 3, 4, 5, 6, 6, 6]
    for patch, centre in (([3], None), ([1, 3], [2])):
        with pytest.raises(ValueError, match="expected 2 numbers"):
            centre_patch(row, patch, centre)
