"""Geometry: after any change a voxel still lies where it lay in the patient."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from overread.errors import InputError
from overread.imaging.grid.geometry import (
    axis_codes,
    crop,
    pad_to,
    reorient,
    resample,
    resample_to,
    resize,
    same_grid,
    stack,
    voxel_volume,
)
from overread.imaging.image import Image

CODES = [
    a + b + c
    for a in "RLAPSI"
    for b in "RLAPSI"
    for c in "RLAPSI"
    if {*"RL"} & {a, b, c} and {*"AP"} & {a, b, c} and {*"SI"} & {a, b, c}
]
shapes = st.tuples(*[st.integers(2, 7)] * 3)
spacings = st.tuples(*[st.floats(0.3, 5)] * 3)
angles = st.tuples(*[st.floats(-3, 3)] * 3)
origins = st.tuples(*[st.floats(-100, 100)] * 3)


def affine_of(spacing, angle=(0.0, 0.0, 0.0), origin=(0.0, 0.0, 0.0)) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angle).as_matrix() * spacing
    affine[:3, 3] = origin
    return affine


@st.composite
def volumes(draw) -> Image:
    shape = draw(shapes)
    array = np.random.default_rng(draw(st.integers(0, 999))).permutation(int(np.prod(shape)))
    return Image(array.reshape(1, *shape), affine_of(draw(spacings), draw(angles), draw(origins)))


def positions(image: Image) -> np.ndarray:
    """(N, 3) world position of every voxel centre, in C order."""
    index = np.stack(np.meshgrid(*map(np.arange, image.spatial), indexing="ij"), -1).reshape(-1, 3)
    return nibabel.affines.apply_affine(image.affine, index)


def ramp(image: Image) -> Image:
    """The image whose three channels are the world coordinates of its own voxels."""
    return Image(positions(image).T.reshape(3, *image.spatial), image.affine)


def by_value(image: Image) -> dict[int, np.ndarray]:
    return dict(zip(image.array[0].ravel().tolist(), positions(image), strict=True))


def test_there_are_48_orientations() -> None:
    assert len(CODES) == 48


@settings(max_examples=60, deadline=None)
@given(volumes(), st.sampled_from(CODES))
def test_reorient_moves_no_voxel(image, codes) -> None:
    there = reorient(image, codes)
    assert axis_codes(there.affine) == codes
    before, after = by_value(image), by_value(there)
    assert before.keys() == after.keys()
    for value, place in before.items():
        np.testing.assert_allclose(after[value], place, atol=1e-6)
    back = reorient(there, axis_codes(image.affine))
    np.testing.assert_array_equal(back.array, image.array)
    np.testing.assert_allclose(back.affine, image.affine, atol=1e-6)


def test_reorient_equals_nibabel() -> None:
    array = np.arange(24).reshape(2, 3, 4)
    affine = affine_of((1, 2, 3), (0.3, -2.0, 1.2), (4, 5, 6))
    expected = nibabel.as_closest_canonical(nibabel.Nifti1Image(array.astype(np.int16), affine))
    found = reorient(Image(array[None], affine))
    np.testing.assert_array_equal(found.array[0], np.asarray(expected.dataobj))
    np.testing.assert_allclose(found.affine, expected.affine)


@settings(max_examples=50, deadline=None)
@given(volumes(), st.tuples(*[st.integers(1, 14)] * 3), st.sampled_from([0, 1, 3]))
def test_resize_keeps_the_field_of_view(image, size, order) -> None:
    there = resize(image, size, order=order)
    assert there.spatial == size
    # The outer corners of the first and the last cell stay where they are.
    for low, high in (
        ((-0.5,) * 3, (-0.5,) * 3),
        ([n - 0.5 for n in image.spatial], [m - 0.5 for m in size]),
    ):
        np.testing.assert_allclose(there.affine @ [*high, 1], image.affine @ [*low, 1], atol=1e-6)
    assert voxel_volume(there.affine) * np.prod(size) == pytest.approx(
        voxel_volume(image.affine) * image.array.size
    )
    # Back again is the same grid.
    assert same_grid(
        image.spatial,
        image.affine,
        image.spatial,
        resize(there, image.spatial, order=0).affine,
        tolerance_mm=1e-6,
    )


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(*[st.integers(8, 14)] * 3),
    spacings,
    angles,
    st.tuples(*[st.floats(0.4, 1.9)] * 3),
    st.sampled_from([1, 3]),
)
def test_resampled_values_lie_where_the_affine_says(shape, spacing, angle, factor, order) -> None:
    # Channels hold world coordinates, so the values of the result must be its own voxels' positions.
    image = ramp(Image(np.zeros((1, *shape)), affine_of(spacing, angle, (3, -4, 5))))
    there = resample(image, [s * f for s, f in zip(image.spacing, factor, strict=True)], order=order)
    inner = (slice(None), *(slice(n // 3, n - n // 3) for n in there.spatial))
    error = np.abs(there.array - ramp(there).array)[inner]
    assert error.max() < 0.02 * max(there.spacing)
    for n, old, m, new in zip(image.spatial, image.spacing, there.spatial, there.spacing, strict=True):
        assert n * old == pytest.approx(m * new)


def test_resample_reaches_the_spacing_asked_for() -> None:
    image = Image(np.zeros((1, 100, 60)), affine_of((0.5, 1, 1)))
    assert resample(image, (1.0, 2.0), order=1).spacing == pytest.approx((1.0, 2.0))
    assert resample(image, (1.0, 2.0), order=1).spatial == (50, 30)


@settings(max_examples=30, deadline=None)
@given(volumes(), st.sampled_from([0, 1, 3]))
def test_resampling_onto_the_own_grid_is_exact(image, order) -> None:
    for there in (
        resample(image, image.spacing, order=order),
        resample_to(image, image.spatial, image.affine, order=order),
    ):
        np.testing.assert_allclose(there.array, image.array, atol=1e-3 if order == 3 else 0)
        assert there.array.dtype == (image.array.dtype if order == 0 else np.float32)


@settings(max_examples=30, deadline=None)
@given(spacings, angles, st.sampled_from([1, 3]))
def test_resample_to_any_grid(spacing, angle, order) -> None:
    image = ramp(Image(np.zeros((1, 12, 12, 12)), affine_of((1, 1, 1), origin=(-6, -6, -6))))
    target = affine_of([s / 5 for s in spacing], angle, (-0.5, 0.5, 0.2))
    there = resample_to(image, (4, 3, 2), target, order=order, fill=-1e9)
    inside = (there.array > -1e8).all(axis=0)
    assert inside.any()
    expected = ramp(there).array
    np.testing.assert_allclose(there.array[:, inside], expected[:, inside], atol=0.05 if order == 3 else 1e-3)


def test_resample_to_marks_what_lies_outside() -> None:
    image = Image(np.full((1, 4, 4), 7, np.int16), np.eye(4))
    target = np.eye(4)
    target[0, 3] = 2
    there = resample_to(image, (4, 5), target, order=0, fill=-1)
    np.testing.assert_array_equal(there.array[0], [[7] * 4 + [-1], [7] * 4 + [-1], [-1] * 5, [-1] * 5])
    target[2, 3] = 5
    with pytest.raises(InputError, match="another plane"):
        resample_to(image, (4, 5), target, order=0)


@settings(max_examples=40, deadline=None)
@given(volumes(), st.data())
def test_crop_and_pad_move_no_voxel(image, data) -> None:
    start = [data.draw(st.integers(0, n - 1)) for n in image.spatial]
    stop = [data.draw(st.integers(a + 1, n)) for a, n in zip(start, image.spatial, strict=True)]
    part = crop(image, start, stop)
    whole = by_value(image)
    for value, place in by_value(part).items():
        np.testing.assert_allclose(place, whole[value], atol=1e-6)
    padded = pad_to(part, [10, 2, 9], value=-1)
    assert all(n >= m for n, m in zip(padded.spatial, (10, 2, 9), strict=True))
    kept = [
        (v, p) for v, p in zip(padded.array[0].ravel().tolist(), positions(padded), strict=True) if v >= 0
    ]
    assert len(kept) == part.array.size
    for value, place in kept:
        np.testing.assert_allclose(place, whole[value], atol=1e-6)


def test_the_odd_voxel_of_padding_comes_after() -> None:
    image = Image(np.ones((1, 3, 4)), np.eye(4))
    padded = pad_to(image, (6, 6))
    np.testing.assert_array_equal(np.argwhere(padded.array[0])[[0, -1]], [[1, 1], [3, 4]])
    np.testing.assert_array_equal(padded.affine[:2, 3], [-1, -1])


def test_same_grid_measures_the_far_corner() -> None:
    a = np.eye(4)
    b = affine_of((1, 1, 1), (0, 0, 1e-3))
    assert same_grid((5, 5, 5), a, (5, 5, 5), b)
    assert not same_grid((500, 500, 5), a, (500, 500, 5), b)
    assert not same_grid((5, 5, 5), a, (5, 5, 6), a)
    assert same_grid((5, 5), a, (5, 5), a)


def test_stack() -> None:
    a = Image(np.zeros((1, 3, 4, 5), np.int16), np.eye(4), "MR", source={"path": "a"}, notes=("x",))
    b = Image(np.ones((1, 3, 4, 5), np.float32), np.eye(4), "MR", source={"path": "b"})
    both = stack([a, b], ["t1", "flair"])
    assert both.channels == ("t1", "flair")
    assert both.array.dtype == np.float32
    assert both.notes == ("t1: x",)
    assert [s["path"] for s in both.source["channel_sources"]] == ["a", "b"]
    assert "spacing_known" not in both.source
    unknown = b.with_(source={"path": "b", "spacing_known": False})
    assert stack([a, unknown], ["t1", "flair"]).source["spacing_known"] is False
    moved = b.with_(affine=affine_of((1, 1, 1), origin=(0, 0, 2)))
    with pytest.raises(
        InputError, match=r"flair .*from \(0\.00, 0\.00, 2\.00\); a has .*from \(0\.00, 0\.00, 0\.00\)"
    ):
        stack([a, moved], ["t1", "flair"])
    with pytest.raises(InputError, match="2 channels, expected 1"):
        stack([both], ["t1"])
    with pytest.raises(InputError, match="one per channel"):
        stack([a], ["t1", "flair"])


@pytest.mark.parametrize("codes", ["RA", "RRS", "XYZ", "RASI", "ras"])
def test_reorient_refuses(codes) -> None:
    with pytest.raises(InputError, match="orientation is"):
        reorient(Image(np.zeros((1, 2, 2, 2)), np.eye(4)), codes)


def test_reorient_refuses_2d() -> None:
    with pytest.raises(InputError, match="2D"):
        reorient(Image(np.zeros((1, 2, 2)), np.eye(4)))
    with pytest.raises(ValueError, match="crop"):
        crop(Image(np.zeros((1, 2, 2)), np.eye(4)), (0, 0), (3, 2))
    with pytest.raises(ValueError, match="spacing"):
        resample(Image(np.zeros((1, 2, 2)), np.eye(4)), (1, 0), order=1)
