"""Grids, boxes and grey values by the conventions of other frameworks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from overread.imaging.image import Image
from overread.runtime.manifest_input import Intensity, Preprocess, Resampling
from overread.runtime.normalise import normalised
from overread.runtime.preprocess import decide, prepare, prepare_mask
from overread.runtime.resampling import box_of, resampled, thick_axis

RNG = np.random.default_rng(3)


def _spec(**changes: object) -> Preprocess:
    return Preprocess.model_validate(
        {"dimensions": 3, "orientation": "RAS", "intensity": [{"method": "fixed"}]} | changes
    )


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("size", [(9, 20, 5), (14, 6, 8)])
def test_the_field_of_view_is_kept_as_scipy_s_grid_mode_has_it(order: int, size: tuple[int, ...]) -> None:
    array = RNG.normal(size=(1, 11, 13, 7)).astype(np.float32)
    rule = Resampling(order=order)
    expected = ndimage.zoom(
        array[0], np.divide(size, array.shape[1:]), order=order, mode="nearest", grid_mode=True
    )
    found = resampled(array, size, spacing=(1, 1, 1), target=(1, 1, 1), rule=rule)[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    clipped = resampled(
        array, size, spacing=(1, 1, 1), target=(1, 1, 1), rule=rule.model_copy(update={"clip": True})
    )
    assert clipped.min() >= array.min() and clipped.max() <= array.max()


@pytest.mark.parametrize("mm", [(2.0, 1.0, 1.5), (0.7, 1.3, 3.0)])
def test_the_first_voxel_stays_as_monai_s_spacing_has_it(mm: tuple[float, ...]) -> None:
    torch = pytest.importorskip("torch")
    from monai.data import MetaTensor
    from monai.transforms import Spacing

    affine = np.diag([1.2, 0.9, 2.0, 1])
    affine[:3, 3] = 5, -7, 2
    array = RNG.normal(size=(1, 11, 13, 7)).astype(np.float32)
    expected = Spacing(pixdim=mm, mode="bilinear", padding_mode="border")(
        MetaTensor(torch.from_numpy(array), affine=torch.from_numpy(affine))
    )
    found = prepare(
        Image(array, affine),
        _spec(spacing=list(mm), resampling={"order": 1, "keep": "first_voxel"}),
    )
    np.testing.assert_allclose(found.array, expected.numpy(), atol=1e-4)
    np.testing.assert_allclose(found.affine, expected.affine.numpy(), atol=1e-6)


def test_a_thick_axis_takes_the_nearest_voxel() -> None:
    rule = Resampling(thick=True)
    assert thick_axis((1, 1, 5), (1, 1, 1), rule) == 2
    assert thick_axis((1, 1, 1), (4, 1, 1), rule) == 0
    assert thick_axis((1, 1, 2.9), (1, 1, 1), rule) is None
    assert thick_axis((5, 5, 1), (1, 1, 1), rule) is None
    assert thick_axis((1, 1, 5), (1, 1, 1), Resampling()) is None
    array = RNG.normal(size=(1, 4, 4, 3)).astype(np.float32)
    found = resampled(array, (4, 4, 6), spacing=(1, 1, 5), target=(1, 1, 2.5), rule=rule, thick=2)
    np.testing.assert_array_equal(found, np.repeat(array, 2, axis=3))


@pytest.mark.parametrize("keep", ["field", "first_voxel"])
@pytest.mark.parametrize("back", ["probability", "logits"])
def test_what_was_cut_away_is_background_and_the_rest_comes_back_in_place(keep: str, back: str) -> None:
    array = np.zeros((1, 20, 16, 12), np.float32)
    array[0, 6:14, 4:12, 3:9] = 1
    array[0, 8:12, 6:10, 4:8] = 5
    spec = _spec(spacing=[0.5, 0.5, 0.5], crop="nonzero", resampling={"order": 1, "keep": keep, "back": back})
    image = Image(array, np.diag([-1.0, 1, 1, 1]))
    prepared = prepare(image, spec)
    assert prepared.oriented.spatial == (20, 16, 12)
    assert [b.stop - b.start for b in prepared.box] == [8, 8, 6]
    assert prepared.array.shape == ((1, 16, 16, 12) if keep == "field" else (1, 15, 15, 11))
    p = np.clip((prepared.array[0] - 1) / 4, 0.001, 0.999)
    mask = decide(np.stack([1 - p, p]), prepared)
    np.testing.assert_array_equal(mask, (array[0] == 5).astype(np.uint8))
    truth = prepare_mask(mask, image, spec)
    assert truth.shape == prepared.array.shape[1:]
    np.testing.assert_array_equal(truth[prepared.array[0] > 4], 1)
    np.testing.assert_array_equal(truth[prepared.array[0] < 1.4], 0)


def test_a_spacing_of_0_is_the_image_s_own() -> None:
    image = Image(RNG.normal(size=(1, 8, 8, 5)).astype(np.float32), np.diag([1.0, 1, 3, 1]))
    prepared = prepare(image, _spec(spacing=[2.0, 2.0, 0.0], resampling={"order": 1}))
    assert prepared.array.shape == (1, 4, 4, 5)
    np.testing.assert_allclose(np.linalg.norm(prepared.affine[:3, :3], axis=0), [2, 2, 3])


def test_the_box_is_around_what_is_not_empty() -> None:
    array = np.zeros((2, 5, 6))
    assert box_of(array, "nonzero") == (slice(0, 5), slice(0, 6))
    array[0, 1, 2], array[1, 3, 4] = -1, 2
    assert box_of(array, "nonzero") == (slice(1, 4), slice(2, 5))
    assert box_of(array, "above_zero") == (slice(3, 4), slice(4, 5))


def test_grey_values_by_all_voxels_or_by_those_that_are_not_0() -> None:
    array = np.zeros((1, 4, 4), np.float32)
    array[0, 1:3, 1:4] = [[1, 2, 3], [4, 0, 8]]

    def by(**told: object) -> np.ndarray:
        spec = Preprocess(dimensions=2, intensity=[Intensity.model_validate(told)])
        return normalised(array, spec)[0]

    whole = array[0]
    np.testing.assert_allclose(by(method="whole"), (whole - whole.mean()) / whole.std(), rtol=1e-5)
    some = whole[whole != 0]
    found = by(method="whole", inside="nonzero")
    np.testing.assert_allclose(found[whole != 0], (some - some.mean()) / some.std(), rtol=1e-5)
    assert (found[whole == 0] == 0).all()
    np.testing.assert_allclose(by(method="minmax"), whole / 8)
    np.testing.assert_allclose(by(method="minmax", mean=0.5, std=0.5), whole / 4 - 1)
    # Percentiles 0 and 50 of these sixteen values are 0; beyond the upper one nothing is cut off.
    clipped = by(method="range", percentiles=(0, 90))
    free = by(method="range", percentiles=(0, 90), clip=False)
    assert clipped.max() == 1 < free.max()


def test_holes_among_what_is_not_0_count_where_they_are_filled() -> None:
    array = np.ones((1, 5, 5), np.float32) * [1, 2, 3, 4, 5]
    array[0, 2, 2] = 0
    array[0, 0] = 0
    spec = Preprocess(dimensions=2, intensity=[Intensity(method="whole", inside="filled")])
    inside = array[0, 1:]
    np.testing.assert_allclose(
        normalised(array, spec)[0, 1:], (inside - inside.mean()) / inside.std(), rtol=1e-5
    )
