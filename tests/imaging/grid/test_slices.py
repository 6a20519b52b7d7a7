"""2D and 2.5D images of a volume: every pixel still lies where it lay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from overread.errors import InputError
from overread.imaging.grid.slices import join_slices, slice_stack, slices
from overread.imaging.image import Image


def volume(shape=(4, 5, 6), channels=1, seed=0) -> Image:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", (0.4, -1.0, 2.0)).as_matrix() * (1, 2, 3)
    affine[:3, 3] = (7, -8, 9)
    array = np.random.default_rng(seed).integers(0, 1000, (channels, *shape)).astype(np.int16)
    return Image(array, affine, "MR", tuple(f"c{i}" for i in range(channels)))


@settings(max_examples=30, deadline=None)
@given(
    st.tuples(*[st.integers(1, 5)] * 3), st.integers(0, 2), st.integers(0, 3), st.integers(1, 2), st.data()
)
def test_slice_stack(shape, axis, around, channels, data) -> None:
    image = volume(shape, channels)
    index = data.draw(st.integers(0, shape[axis] - 1))
    there = slice_stack(image, index, axis=axis, around=around)
    assert there.array.shape[0] == channels * (2 * around + 1) == len(there.channels)
    middle = there.array[around * channels : (around + 1) * channels]
    np.testing.assert_array_equal(middle, np.take(image.array, index, axis=axis + 1))
    above = there.array[-channels:]
    np.testing.assert_array_equal(above, np.take(image.array, min(index + around, shape[axis] - 1), axis + 1))
    # The last pixel of the slice lies where that voxel lay.
    corner = [n - 1 for n in shape]
    corner[axis] = index
    a, b = (corner[k] for k in range(3) if k != axis)
    np.testing.assert_allclose(there.affine @ [a, b, 0, 1], image.affine @ [*corner, 1], atol=1e-9)


def test_names_of_channels() -> None:
    image = volume(channels=2)
    assert slice_stack(image, 0).channels == ("c0[-1]", "c1[-1]", "c0[0]", "c1[0]", "c0[1]", "c1[1]")
    assert slice_stack(image, 0, around=0).channels == ("c0", "c1")


@settings(max_examples=20, deadline=None)
@given(st.tuples(*[st.integers(1, 5)] * 3), st.integers(1, 2))
def test_there_and_back(shape, channels) -> None:
    image = volume(shape, channels)
    back = join_slices(list(slices(image)))
    np.testing.assert_array_equal(back.array, image.array)
    np.testing.assert_allclose(back.affine, image.affine, atol=1e-9)
    assert back.channels == image.channels


def test_refusals() -> None:
    image = volume()
    flat = slice_stack(image, 2, around=0)
    for index, axis, around in ((6, 2, 1), (-1, 2, 1), (0, 3, 1), (0, 0, -1)):
        with pytest.raises(ValueError, match="slice_stack"):
            slice_stack(image, index, axis=axis, around=around)
    with pytest.raises(InputError, match="2D already"):
        slice_stack(flat, 0)
    with pytest.raises(InputError, match="2D already"):
        list(slices(flat))
    cut = list(slices(image))
    with pytest.raises(InputError, match="even steps"):
        join_slices([cut[0], cut[1], cut[3]])
    with pytest.raises(InputError, match="in one plane"):
        join_slices([cut[0], cut[0]])
    with pytest.raises(InputError, match="slice 1 of"):
        join_slices([cut[0], cut[1].with_(array=cut[1].array[:, 1:])])
    for wrong in ([], [image]):
        with pytest.raises(InputError, match="all 2D"):
            join_slices(wrong)
