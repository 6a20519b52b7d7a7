"""Preparing an image: every way of scaling grey values, the same for training and for answers."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from pydantic import ValidationError

from overread.errors import InputError
from overread.imaging.boxes import Boxes, to_world
from overread.imaging.grid.geometry import reorient, right_angled
from overread.imaging.image import Image
from overread.imaging.intensity.nyul import fit_landmarks, standardise
from overread.runtime.manifest import Intensity, Preprocess
from overread.runtime.normalise import normalise
from overread.runtime.preprocess import (
    boxes_to_original,
    decide,
    oriented_grid,
    prepare,
    prepare_boxes,
    prepare_mask,
    to_original,
)

VALUES = np.random.default_rng(0).gamma(2, 50, (10, 11, 12)).astype(np.float32)


def test_zscore_is_over_the_brighter_part() -> None:
    there = normalise(VALUES, Intensity(method="zscore"))
    bright = there[VALUES.mean() < VALUES]
    assert bright.mean() == pytest.approx(0, abs=1e-5) and bright.std() == pytest.approx(1, abs=1e-5)
    assert (normalise(np.full((3, 3), 5), Intensity(method="zscore")) == 0).all()


def test_fixed_and_percentile() -> None:
    spec = Intensity(method="fixed", low=10, high=90, mean=50, std=40, preset="brain")
    there = normalise(np.array([[0, 10, 50, 90, 500]], np.int16), spec)
    np.testing.assert_allclose(there, [[-1, -1, 0, 1, 1]])
    there = normalise(VALUES, Intensity(method="percentile", percentiles=(1, 99)))
    assert there.min() == 0 and there.max() == 1 and there.dtype == np.float32


def test_nyul_landmarks_travel_in_the_package() -> None:
    landmarks = fit_landmarks([VALUES, VALUES * 2 + 5])
    spec = Intensity(
        method="nyul", percentiles=landmarks.percentiles, landmarks=landmarks.values, mean=50, std=25
    )
    again = Intensity.model_validate_json(spec.model_dump_json())
    assert again == spec
    expected = (standardise(VALUES, landmarks) - 50) / 25
    np.testing.assert_allclose(normalise(VALUES, again), expected, atol=1e-5)
    np.testing.assert_allclose(normalise(VALUES * 3 + 7, again), expected, atol=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "nyul"},
        {"method": "nyul", "percentiles": (1, 99), "landmarks": (5, 5)},
        {"method": "percentile"},
        {"method": "percentile", "percentiles": (99, 1)},
        {"method": "fixed", "std": 0},
    ],
)
def test_incomplete_settings_are_refused(wrong) -> None:
    with pytest.raises(ValidationError):
        Intensity(**wrong)


def test_range_is_the_percentile_scale_standardised() -> None:
    spec = Intensity(method="range", percentiles=(1, 99), mean=0.5, std=0.25)
    there = normalise(VALUES, spec)
    assert there.min() == -2 and there.max() == 2 and there.dtype == np.float32


@pytest.mark.parametrize("glass", [0.1, 0.5, 0.9])
def test_tissue_in_a_bright_field_picture_does_not_move_with_added_glass(glass: float) -> None:
    """Earlier z-scores of the brighter part were -1.6, -9.3 and -44 there."""
    rng = np.random.default_rng(0)
    tissue = rng.normal(150, 35, 40_000)
    picture = np.concatenate([tissue, rng.normal(240, 2, round(40_000 * glass / (1 - glass)))])[None]
    there = normalise(picture, Intensity(method="range", percentiles=(0.1, 99.9), mean=0.5, std=0.25))[0]
    assert there[: len(tissue)].mean() == pytest.approx(0, abs=0.25)
    assert there[: len(tissue)].std() == pytest.approx(0.75, abs=0.15)


def test_values_are_clipped_before_resampling_where_the_package_says_so() -> None:
    """Metal beside air: a cubic spline swings beyond both, and clipping afterwards leaves the swing in between."""
    bone = np.zeros((1, 24, 24, 24), np.float32)
    bone[:, 8:16] = 30000
    image = Image(bone, np.eye(4), "CT")
    old = Preprocess(
        dimensions=3, spacing=[0.7, 1, 1], intensity=[Intensity(method="fixed", low=-100, high=300, std=400)]
    )
    new = old.model_copy(update={"order": "values_first"})
    first, after = prepare(image, new).array, prepare(image, old).array
    assert first.shape == after.shape and first.dtype == np.float32
    assert first.min() > -0.25 * 0.5 and after.min() == -0.25
    assert Preprocess(dimensions=3, intensity=[Intensity(method="zscore")]).order == "grid_first"


def test_a_network_grid_beyond_the_bound_is_refused_before_it_is_made() -> None:
    spec = Preprocess(dimensions=3, spacing=[1, 1, 1], intensity=[Intensity(method="fixed")])
    image = Image(
        np.zeros((1, 64, 64, 40), np.uint8), np.diag([1000.0, 1000, 1000, 1]), source={"path": "a.nii"}
    )
    for make in (
        lambda: prepare(image, spec),
        lambda: prepare_mask(image.array[0], image, spec),
        lambda: prepare_boxes(Boxes.of([], [], [], axes=3), image, spec),
    ):
        with pytest.raises(
            InputError, match=r"a\.nii: 64 x 64 x 40 voxels of 1000 x 1000 x 1000 mm would become"
        ):
            make()


def test_a_package_without_the_new_keys_reads_as_before() -> None:
    old = {"method": "zscore", "low": None, "high": None, "mean": 0.0, "std": 1.0}
    assert Intensity(**old) == Intensity(method="zscore")


def test_bias_field_is_taken_out_where_the_package_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    shade = np.exp(np.linspace(-0.5, 0.5, 24))[:, None, None]
    tissue = np.zeros((24, 24, 24))
    tissue[3:-3, 3:-3, 3:-3] = 100
    image = Image((tissue * shade)[None].astype(np.float32), np.eye(4), "MR")
    spec = Preprocess(dimensions=3, bias="n4", intensity=[Intensity(method="fixed")])
    inside = tissue > 0
    pytest.importorskip("SimpleITK")
    plain = prepare(image, spec.model_copy(update={"bias": None})).array[0][inside]
    there = prepare(image, spec).array[0][inside]
    assert there.std() / there.mean() < 0.5 * plain.std() / plain.mean()
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(InputError, match="SimpleITK"):
        prepare(image, spec)


def leaning(degrees: float) -> Image:
    """A ball of 12 mm radius, 1 in 0, in slices of a tilted gantry; values fade over a voxel at its surface."""
    affine = np.array([[-1.2, 0, 0, 30], [0, -1.1, 0, 40], [0, 0, 2.5, -20], [0, 0, 0, 1.0]])
    affine[1, 2] = 2.5 * np.tan(np.radians(degrees))
    index = np.stack([*np.indices((48, 52, 18)), np.ones((48, 52, 18))])
    place = np.tensordot(affine[:3], index, 1)
    centre = affine[:3] @ [23, 26, 9, 1]
    away = np.linalg.norm(place - centre[:, None, None, None], axis=0)
    return Image(np.clip(12.5 - away, 0, 1)[None].astype(np.float32), affine, "CT")


@pytest.mark.parametrize("orientation", [None, "RAS", "SLP"])
def test_a_tilted_gantry_is_set_upright_and_its_masks_come_back(orientation) -> None:
    image = leaning(18.5)
    spec = Preprocess(
        dimensions=3,
        orientation=orientation,
        spacing=(1.5, 1.5, 1.5),
        intensity=[Intensity(method="fixed")],
    )
    prepared = prepare(image, spec)
    assert right_angled(prepared.affine) and "sheared" in prepared.notes[-1]
    # What the network sees is a ball: as wide along every axis.
    seen = np.argwhere(prepared.array[0] > 0.5)
    assert np.ptp(np.ptp(seen, axis=0)) <= 2
    truth = (image.array[0] > 0.5).astype(np.uint8)
    mask = prepare_mask(truth, image, spec)
    assert mask.shape == prepared.array.shape[1:]
    assert dice(mask > 0, prepared.array[0] > 0.5) > 0.95
    p = np.clip(prepared.array[0], 0, 1)
    back = decide(np.stack([1 - p, p]), prepared)
    assert back.shape == image.spatial and dice(back > 0, truth > 0) > 0.97
    # Nothing of a shift: half a voxel along one axis would show in the centre.
    np.testing.assert_allclose(np.argwhere(back).mean(axis=0), np.argwhere(truth).mean(axis=0), atol=0.05)
    nearest = to_original((prepared.oriented.array[0] > 0.5).astype(np.uint8), prepared)
    assert dice(nearest > 0, truth > 0) > 0.97


TURNS = [
    np.diag([1.0, 1, 1, 1]),
    np.array([[-0.8, 0, 0, 30], [0, -0.9, 0, 28], [0, 0, 2.5, -20], [0, 0, 0, 1]]),
    np.array([[0, 0, 1.5, -16], [-1.2, 0, 0, 20], [0, 1.1, 0, -15], [0, 0, 0, 1]]),
]


@pytest.mark.parametrize("affine", TURNS)
@pytest.mark.parametrize("codes", ["RAS", "LPI", "SRA", "PIR"])
def test_oriented_grid_is_that_of_reorient(affine: np.ndarray, codes: str) -> None:
    image = reorient(Image(np.zeros((1, 4, 5, 6), np.uint8), affine), codes)
    spatial, there = oriented_grid((4, 5, 6), affine, codes)
    assert spatial == image.spatial
    np.testing.assert_allclose(there, image.affine)


@pytest.mark.parametrize("affine", TURNS)
@pytest.mark.parametrize("orientation", [None, "RAS", "SLP"])
@pytest.mark.parametrize("grid", [{}, {"spacing": [1.5, 1.5, 1.5]}, {"size": [16, 20, 24]}])
def test_boxes_go_where_masks_go_and_come_back(affine, orientation, grid) -> None:
    spec = Preprocess(dimensions=3, orientation=orientation, intensity=[Intensity(method="fixed")], **grid)
    image = Image(np.zeros((1, 24, 28, 20), np.float32), affine)
    # One block, one box that lies half outside, one wholly outside: none is dropped or moved.
    boxes = Boxes.of(
        [[4, 6, 3], [-2, 20, 15], [40, 1, 1]],
        [[16, 15, 12], [3, 30, 22], [44, 5, 6]],
        [0, 1, 1],
        [1, 0.5, 0.25],
        axes=3,
    )
    mask = np.zeros(image.spatial, np.uint8)
    mask[4:16, 6:15, 3:12] = 1
    there, seen = prepare_boxes(boxes, image, spec), prepare_mask(mask, image, spec)
    prepared = prepare(image, spec)
    assert len(there) == 3 and there.labels.tolist() == [0, 1, 1] and there.scores.tolist() == [1, 0.5, 0.25]
    at = np.argwhere(seen)
    np.testing.assert_allclose(there.low[0], at.min(axis=0), atol=0.51)
    np.testing.assert_allclose(there.high[0], at.max(axis=0) + 1, atol=0.51)
    np.testing.assert_allclose(to_world(there, prepared.affine), to_world(boxes, affine), atol=1e-5)
    back = boxes_to_original(there, prepared)
    np.testing.assert_allclose(back.low, boxes.low, atol=1e-5)
    np.testing.assert_allclose(back.high, boxes.high, atol=1e-5)


def test_boxes_of_a_picture_are_resized() -> None:
    spec = Preprocess(dimensions=2, color="gray", size=[8, 30], intensity=[Intensity(method="fixed")])
    image = Image(np.zeros((3, 16, 20), np.uint8), np.eye(4))
    boxes = Boxes.of([[2, 4]], [[10, 12]], [0], axes=2)
    there = prepare_boxes(boxes, image, spec)
    assert there.low.tolist() == [[1, 6]] and there.high.tolist() == [[5, 18]]
    back = boxes_to_original(there, prepare(image, spec))
    assert back.low.tolist() == [[2, 4]] and back.high.tolist() == [[10, 12]]


@pytest.mark.parametrize("orientation", [None, "RAS"])
def test_boxes_of_a_tilted_gantry_enclose_what_they_did(orientation) -> None:
    image = leaning(18.5)
    spec = Preprocess(
        dimensions=3, orientation=orientation, spacing=[1.5, 1.5, 1.5], intensity=[Intensity(method="fixed")]
    )
    inside = np.argwhere(image.array[0] > 0.5)
    boxes = Boxes.of([inside.min(axis=0)], [inside.max(axis=0) + 1], [0], axes=3)
    prepared = prepare(image, spec)
    there = prepare_boxes(boxes, image, spec)
    seen = np.argwhere(prepared.array[0] > 0.5)
    assert (there.low[0] <= seen.min(axis=0) + 0.5).all() and (there.high[0] >= seen.max(axis=0) + 0.5).all()
    back = boxes_to_original(there, prepared)
    assert (back.low <= boxes.low + 1e-6).all() and (back.high >= boxes.high - 1e-6).all()
    # The upright box is as wide as the lean makes it, and no wider: centres stay.
    np.testing.assert_allclose(back.low + back.high, boxes.low + boxes.high, atol=1e-4)


def test_what_leans_by_less_than_a_degree_is_left_alone() -> None:
    image = leaning(0.8)
    spec = Preprocess(dimensions=3, intensity=[Intensity(method="fixed")])
    prepared = prepare(image, spec)
    assert prepared.upright is image and prepared.notes == ()
    np.testing.assert_array_equal(prepared.array, image.array)


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def test_a_zoomed_picture_keeps_its_proportions_and_its_mask_comes_back_unshifted() -> None:
    rows, columns = np.mgrid[:135, :200]
    mask = (((rows - 70) / 40) ** 2 + ((columns - 90) / 60) ** 2 <= 1).astype(np.uint8)
    image = Image(mask[None].astype(np.float32), np.eye(4))
    spec = Preprocess(dimensions=2, zoom=0.25, intensity=[Intensity(method="fixed")])
    prepared = prepare(image, spec)
    assert prepared.array.shape == (1, 34, 50)
    small = prepare_mask(mask, image, spec)
    assert small.shape == (34, 50)
    back = decide(np.stack([1.0 - prepared.array[0], prepared.array[0]]).astype(np.float32), prepared)
    assert back.shape == mask.shape
    # An outline off by half a pixel all around would cost 2%.
    assert 2 * (back & mask).sum() / (back.sum() + mask.sum()) > 0.99
    shift = [float(np.mean(a) - np.mean(b)) for a, b in zip(np.nonzero(back), np.nonzero(mask), strict=True)]
    assert np.abs(shift).max() < 0.2


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.8, 0.8, 2.5), (2.0, 0.9, 1.3), (3.0, 3.0, 3.0)])
@pytest.mark.parametrize("resampling", [None, {"order": 1, "keep": "first_voxel"}])
def test_the_way_there_and_back_keeps_volumes_within_one_percent(
    spacing: tuple[float, ...], resampling: dict | None
) -> None:
    """Ellipsoids of 30 and 8 ml on grids finer, coarser and more oblong than the network's of 1.5 mm."""
    shape = [int(90 / s) + 1 for s in spacing]
    at = [np.arange(n) * s for n, s in zip(shape, spacing, strict=True)]
    x, y, z = np.meshgrid(*at, indexing="ij")
    mask = np.zeros(shape, np.uint8)
    mask[((x - 35.3) / 23) ** 2 + ((y - 41.1) / 18) ** 2 + ((z - 38.7) / 17) ** 2 <= 1] = 1
    mask[(x - 71.4) ** 2 + (y - 69.2) ** 2 + (z - 66.9) ** 2 <= 12.4**2] = 2
    image = Image(mask[None].astype(np.float32), np.diag([*spacing, 1.0]))
    spec = Preprocess.model_validate(
        {
            "dimensions": 3,
            "orientation": "LPS",
            "spacing": [1.5, 1.5, 1.5],
            "intensity": [{"method": "fixed"}],
            "resampling": resampling,
        }
    )
    # What a network sure of every label gives: its probabilities blur over a voxel as the share of a label does.
    share = [prepare(Image((mask == k)[None].astype(np.float32), image.affine), spec) for k in range(3)]
    p = np.clip(np.concatenate([s.array for s in share]), 0, 1)
    back = decide((p / p.sum(axis=0)).astype(np.float32), share[0])
    assert back.shape == mask.shape
    for k in (1, 2):
        assert (back == k).sum() == pytest.approx((mask == k).sum(), rel=0.01)
