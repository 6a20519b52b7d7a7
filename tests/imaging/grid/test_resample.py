"""Resampling onto other grids: against SciPy and SimpleITK, and what must never change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.transform import Rotation

from overread.errors import InputError
from overread.imaging.grid.geometry import crop, reorient, voxel_volume
from overread.imaging.grid.resample import rectify, resample, resample_labels, resample_to, right_angled
from overread.imaging.grid.zoom import sample_matrix
from overread.imaging.image import Image

ROOT2 = 0.5**0.5


def grid(shape, spacing=(1.0, 1.0, 1.0), angle=(0.0, 0.0, 0.0), origin=(0.0, 0.0, 0.0)) -> Image:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angle).as_matrix() * spacing
    affine[:3, 3] = origin
    return Image(np.zeros((1, *shape), np.float32), affine)


def world(image: Image) -> np.ndarray:
    """(3, *spatial) world coordinates of the voxel centres."""
    index = np.indices(image.spatial)
    return np.tensordot(image.affine[:3, :3], index, 1) + image.affine[:3, 3, None, None, None]


def blob(image: Image, centre, sigma: float) -> Image:
    away = ((world(image) - np.reshape(centre, (3, 1, 1, 1))) ** 2).sum(axis=0)
    return image.with_(array=np.exp(-away / (2 * sigma**2))[None].astype(np.float32))


def centre_of_mass(image: Image) -> np.ndarray:
    weight = image.array[0] / image.array.sum()
    return (world(image) * weight).sum(axis=(1, 2, 3))


@settings(max_examples=20, deadline=None)
@given(
    st.tuples(*[st.floats(0.6, 2.5)] * 3),
    st.tuples(*[st.floats(-3, 3)] * 3),
    st.tuples(*[st.floats(0.8, 2.2)] * 3),
)
def test_landmark_keeps_its_place(spacing, angle, target) -> None:
    # A landmark is the centre of a blob that is well inside of the field of view and wide enough for both grids.
    shape = [round(48 / s) for s in spacing]
    empty = grid(shape, spacing, angle, (5, -7, 11))
    landmark = empty.affine[:3, :3] @ [(n - 1) / 2 + 0.3 for n in shape] + empty.affine[:3, 3]
    there = resample(blob(empty, landmark, 5.0), target, order=3)
    np.testing.assert_allclose(centre_of_mass(there), landmark, atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 20), st.sampled_from([1, 3]), st.integers(0, 99))
def test_sample_matrix_equals_map_coordinates(n, count, order, seed) -> None:
    rng = np.random.default_rng(seed)
    line, at = rng.normal(size=n), rng.uniform(-0.5, n - 0.5, count)
    expected = ndimage.map_coordinates(line, at[None], order=order, mode="nearest")
    np.testing.assert_allclose(sample_matrix(n, at, order) @ line, expected, atol=1e-6)


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("permutation", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
def test_aligned_grids_take_the_short_way_to_the_same_values(order, permutation) -> None:
    rng = np.random.default_rng(3)
    array = rng.normal(size=(2, 9, 11, 8)).astype(np.float32)
    image = Image(array, grid((9, 11, 8), (1, 1.5, 2)).affine)
    affine = image.affine[:, [*permutation, 3]] @ np.diag([0.71, -0.9, 0.8, 1])
    # The second new axis runs backwards: it starts where the old one ends.
    affine[:3, 3] = image.affine[:3, permutation[1]] * (image.spatial[permutation[1]] - 1.37)
    there = resample_to(image, (12, 9, 10), affine, order=order, fill=-99)
    index = np.linalg.inv(image.affine) @ affine
    places = np.tensordot(index[:3, :3], np.indices((12, 9, 10)), 1) + index[:3, 3, None, None, None]
    inside = ((places > -0.499) & (places < np.reshape(image.spatial, (3, 1, 1, 1)) - 0.501)).all(axis=0)
    assert inside.sum() > 50
    for channel, found in zip(image.array, there.array, strict=True):
        expected = ndimage.map_coordinates(channel.astype(np.float64), places, order=order, mode="nearest")
        np.testing.assert_allclose(found[inside], expected[inside], atol=2e-6)
        assert (found[~inside] == -99).all()


def test_whole_turn_equals_reorient() -> None:
    rng = np.random.default_rng(0)
    image = grid((4, 5, 6), (1, 2, 3)).with_(array=rng.integers(0, 99, (1, 4, 5, 6)).astype(np.int16))
    turned = reorient(image, "PSL")
    for order in (0, 1, 3):
        there = resample_to(image, turned.spatial, turned.affine, order=order)
        np.testing.assert_array_equal(there.array, turned.array)


def test_nothing_but_fill_from_elsewhere() -> None:
    image = grid((4, 4, 4)).with_(array=np.full((1, 4, 4, 4), 7, np.uint8))
    far = np.eye(4)
    far[:3, 3] = 1000
    assert (resample_to(image, (3, 3, 3), far, order=1, fill=-1).array == -1).all()
    with pytest.raises(ValueError, match="cannot hold"):
        resample_to(image, (3, 3, 3), far, order=0, fill=-1)
    with pytest.raises(ValueError, match="order"):
        resample_to(image, (3, 3, 3), far, order=2)


@settings(max_examples=20, deadline=None)
@given(st.tuples(*[st.floats(0.5, 2)] * 3), st.sampled_from(["one-hot", "nearest"]), st.integers(0, 9))
def test_labels_keep_names_and_volume(spacing, method, seed) -> None:
    image = grid((24, 24, 24), (1, 1.2, 0.9))
    rng = np.random.default_rng(seed)
    labels = np.zeros((1, *image.spatial), np.int16)
    centre = image.affine[:3, :3] @ np.array([12.0, 12, 12]) + rng.uniform(-1, 1, 3)
    away = np.sqrt(((world(image) - centre.reshape(3, 1, 1, 1)) ** 2).sum(axis=0))
    labels[0][away < 9] = 300
    labels[0][away < 5] = 7
    image = image.with_(array=labels)
    there = resample_labels(image, spacing, method=method)
    assert there.array.dtype == np.int16
    assert set(np.unique(there.array)) == {0, 7, 300}
    for label in (7, 300):
        before = (image.array == label).sum() * voxel_volume(image.affine)
        after = (there.array == label).sum() * voxel_volume(there.affine)
        # An outline is known to a fraction of a voxel: the error goes with the surface times the coarsest spacing.
        # The nearest voxel leaves out or repeats whole planes, along each axis up to one through the middle: a
        # quarter of the surface.
        surface = 4 * np.pi * (9**2 + 5**2 if label == 300 else 5**2)
        share = 0.25 if method == "one-hot" else 0.75
        assert abs(after - before) < share * surface * max(*there.spacing, 1.2)


def test_one_hot_is_smoother_and_exact_at_home() -> None:
    labels = np.random.default_rng(1).integers(0, 4, (1, 6, 7, 5)).astype(np.uint8)
    image = grid((6, 7, 5)).with_(array=labels)
    np.testing.assert_array_equal(resample_labels(image, (1, 1, 1)).array, labels)
    with pytest.raises(InputError, match="float32"):
        resample_labels(grid((3, 3, 3)), (1, 1, 1))
    with pytest.raises(ValueError, match="method"):
        resample_labels(image, (1, 1, 1), method="cubic")


def tilted(degrees: float, shape=(40, 40, 12), spacing=(1.0, 1.0, 3.0)) -> Image:
    """A volume whose slices are stacked along a direction that leans towards the second axis."""
    image = grid(shape, spacing, (0.2, 0.1, -0.3), (4, 5, 6))
    lean = np.eye(4)
    lean[1, 2] = np.tan(np.radians(degrees)) * spacing[2] / spacing[1]
    return image.with_(affine=image.affine @ lean)


@pytest.mark.parametrize("degrees", [-25, 7.5, 20])
def test_rectify_sets_tilted_slices_right(degrees) -> None:
    image = tilted(degrees)
    landmark = image.affine[:3, :3] @ [19.4, 20.2, 5.5] + image.affine[:3, 3]
    image = blob(image, landmark, 4.0)
    assert not right_angled(image.affine)
    there = rectify(image, order=3, fill=0)
    assert right_angled(there.affine)
    assert there.spatial[2] == image.spatial[2]
    np.testing.assert_allclose(there.spacing, (1, 1, 3), atol=1e-9)
    np.testing.assert_allclose(centre_of_mass(there), landmark, atol=2e-3)
    # Slices stay slices: the volume's sum per slice is kept.
    np.testing.assert_allclose(there.array.sum((0, 1, 2)), image.array.sum((0, 1, 2)), rtol=2e-3, atol=1e-2)
    assert "sheared grid" in there.notes[-1] and "%" in there.notes[-1]
    # Every old voxel centre lies inside of the new grid.
    index = np.linalg.inv(there.affine)[:3] @ np.vstack(
        [world(image).reshape(3, -1), np.ones(image.array.size)]
    )
    assert (index > -0.5).all() and (index < np.reshape(there.spatial, (3, 1)) - 0.5).all()


@pytest.mark.parametrize("order", [0, 1, 3])
def test_slice_by_slice_equals_all_at_once(order) -> None:
    rng = np.random.default_rng(8)
    image = tilted(13, (15, 16, 9)).with_(array=rng.normal(size=(1, 15, 16, 9)).astype(np.float32))
    there = rectify(image, order=order, fill=-99)
    index = np.linalg.inv(image.affine) @ there.affine
    places = np.tensordot(index[:3, :3], np.indices(there.spatial), 1) + index[:3, 3, None, None, None]
    inside = ((places > -0.499) & (places < np.reshape(image.spatial, (3, 1, 1, 1)) - 0.501)).all(axis=0)
    assert inside.mean() > 0.5
    expected = ndimage.map_coordinates(
        image.array[0].astype(np.float64), np.round(places, 9), order=order, mode="nearest"
    )
    np.testing.assert_allclose(there.array[0][inside], expected[inside], atol=2e-6)


def test_rectify_fills_with_the_smallest_value_and_says_how_much() -> None:
    image = tilted(20).with_(array=np.full((1, 40, 40, 12), -1000, np.int16))
    image.array[0, 5:30, 5:30] = 50
    there = rectify(image)
    assert there.array.min() == -1000 and there.array.max() == 50
    assert "became -1000" in there.notes[-1]
    both = grid((5, 5, 5))
    both.affine[0, 1] = 0.4
    assert right_angled(rectify(both).affine)
    straight = grid((3, 3, 3), angle=(1, 2, 3))
    assert rectify(straight) is straight
    with pytest.raises(InputError, match="2D"):
        rectify(Image(np.zeros((1, 3, 3)), np.eye(4)))


@pytest.mark.parametrize("order", [1, 3])
def test_constant_stays_constant(order) -> None:
    image = tilted(12).with_(array=np.full((1, 40, 40, 12), 41.5, np.float32))
    np.testing.assert_allclose(rectify(image, order=order).array, 41.5, rtol=1e-6)
    np.testing.assert_allclose(
        resample_to(image, (9, 9, 9), image.affine @ np.diag([1.3, 0.7, 0.9, 1]), order=order).array,
        41.5,
        rtol=1e-6,
    )


def test_against_simpleitk() -> None:
    sitk = pytest.importorskip("SimpleITK")
    rng = np.random.default_rng(5)
    smooth = ndimage.gaussian_filter(rng.normal(size=(56, 56, 50)), 2).astype(np.float32)
    image = grid((56, 56, 50), (1, 1.2, 2), (0.3, 0.2, 0.1), (-20, -18, -30)).with_(array=smooth[None])
    target = grid((10, 11, 9), (1.1, 0.9, 1.6), (0.1, -0.2, 0.25), (2, 3, 4))
    # Borders are continued in different ways: this target lies well inside.
    places = np.tensordot(
        np.linalg.inv(image.affine)[:3, :3], world(target) - image.affine[:3, 3, None, None, None], 1
    )
    assert (places > 7).all() and (places < np.reshape(image.spatial, (3, 1, 1, 1)) - 8).all()

    def itk(array, affine):
        there = sitk.GetImageFromArray(np.ascontiguousarray(array.T))
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
        there.SetSpacing(spacing.tolist())
        there.SetOrigin(affine[:3, 3].tolist())
        there.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
        return there

    for order, how in ((1, sitk.sitkLinear), (3, sitk.sitkBSpline)):
        expected = sitk.Resample(
            itk(smooth, image.affine), itk(target.array[0], target.affine), sitk.Transform(), how, 0.0
        )
        found = resample_to(image, target.spatial, target.affine, order=order)
        np.testing.assert_allclose(found.array[0], sitk.GetArrayFromImage(expected).T, atol=2e-6)


def test_cropping_commutes_with_resampling_onto_a_grid() -> None:
    rng = np.random.default_rng(2)
    image = grid((20, 20, 20)).with_(array=rng.normal(size=(1, 20, 20, 20)).astype(np.float32))
    affine = grid((1, 1, 1), (0.5, 0.5, 0.5), origin=(8, 8, 8)).affine
    whole = resample_to(image, (4, 4, 4), affine, order=1)
    part = resample_to(crop(image, (6, 6, 6), (14, 14, 14)), (4, 4, 4), affine, order=1)
    np.testing.assert_allclose(part.array, whole.array, atol=1e-6)


def test_a_shear_beyond_all_use_is_refused() -> None:
    with pytest.raises(InputError, match="lean so far"):
        rectify(tilted(89.5))
