"""Segmentation: masks on the grid of the image, volumes with intervals, whatever way the volume is stored."""

from __future__ import annotations

import numpy as np
import pytest
from tests.runtime.models import manifest, package_of, threshold_segmenter

from overread.imaging.grid.geometry import reorient, resample
from overread.imaging.image import Image
from overread.runtime.answer import LabelMap
from overread.runtime.package import Package
from overread.runtime.predict import predict
from overread.runtime.preprocess import prepare
from overread.runtime.tasks import segmentation

SEGMENTER = {
    "task": "segmentation",
    "positive": None,
    "labels": ["background", "ball"],
    "counted_labels": ["ball"],
    "windows": {"size": [16, 16, 16], "overlap": 0.5},
    "preprocess": {
        "dimensions": 3,
        "orientation": "RAS",
        "spacing": [1.5, 1.5, 1.5],
        "intensity": [{"method": "fixed"}],
    },
    "calibration": {
        "volume_ratio": {"ball": {"low": 0.8, "high": 1.25, "coverage": 0.9, "cases": 20, "offset": 0.1}},
        "count_difference": {"ball": {"low": -2, "high": 2, "coverage": 0.85, "cases": 12}},
        "cases": 20,
    },
}


def answer(package: Package, image: Image) -> LabelMap:
    found = predict(package, image).answer
    assert isinstance(found, LabelMap)
    return found


def blob(affine: np.ndarray, shape: tuple[int, int, int]) -> tuple[Image, np.ndarray]:
    """A bright ball of 9 mm radius around a fixed point of the patient, sampled on any grid."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    world = index @ affine[:3, :3].T + affine[:3, 3]
    inside = np.linalg.norm(world - np.array([3.0, -2, 4]), axis=-1) < 9
    return Image(inside[None].astype(np.float32), affine), inside


@pytest.mark.parametrize(
    "affine",
    [
        np.array([[1.0, 0, 0, -15], [0, 1, 0, -16], [0, 0, 1, -14], [0, 0, 0, 1]]),
        np.array([[-2.0, 0, 0, 30], [0, -2, 0, 28], [0, 0, 3, -20], [0, 0, 0, 1]]),
        np.array([[0, 0, 2.5, -16], [-1.2, 0, 0, 20], [0, 1.2, 0, -15], [0, 0, 0, 1]]),
    ],
)
def test_it_comes_back_on_the_grid_of_the_image(affine: np.ndarray) -> None:
    image, inside = blob(affine, (30, 32, 20))
    found = answer(package_of(threshold_segmenter(1, 3, 0.5), **SEGMENTER), image)
    assert found.mask.shape == inside.shape
    overlap = 2 * (found.mask.astype(bool) & inside).sum() / (found.mask.sum() + inside.sum())
    assert overlap > 0.93
    volume, count = found.measurements
    expected = inside.sum() * abs(np.linalg.det(affine[:3, :3])) / 1000
    assert volume.unit == "ml" and volume.value == pytest.approx(expected, rel=0.12)
    assert volume.low == pytest.approx(0.8 * (volume.value + 0.1) - 0.1)
    assert volume.high == pytest.approx(1.25 * (volume.value + 0.1) - 0.1) and volume.confidence == 0.9
    assert (count.value, count.low, count.high, count.confidence) == (1, 0, 3, 0.85)


def test_a_volume_of_nothing_is_not_certain() -> None:
    image = Image(np.zeros((1, 20, 20, 20), np.float32), np.eye(4))
    found = answer(package_of(threshold_segmenter(1, 3, 0.5), **SEGMENTER), image)
    assert found.measurements[0].value == 0
    assert found.measurements[0].low == 0 and found.measurements[0].high == pytest.approx(0.025)
    assert found.entropy_in_mask == 0


def test_it_does_not_depend_on_how_the_volume_is_stored() -> None:
    image, _ = blob(
        np.array([[1.5, 0, 0, -20], [0, 1.5, 0, -20], [0, 0, 1.5, -20], [0, 0, 0, 1.0]]), (28, 28, 28)
    )
    package = package_of(threshold_segmenter(1, 3, 0.5), **SEGMENTER)
    turned = reorient(image, "LPI")
    first, second = answer(package, image).mask, answer(package, turned).mask
    back = reorient(Image(second[None], turned.affine), "RAS").array[0]
    np.testing.assert_array_equal(first, back)


def test_it_survives_resampling() -> None:
    image, _ = blob(
        np.array([[1.0, 0, 0, -20], [0, 1.0, 0, -20], [0, 0, 1.0, -20], [0, 0, 0, 1.0]]), (42, 42, 42)
    )
    package = package_of(threshold_segmenter(1, 3, 0.5), **SEGMENTER)
    fine, coarse = answer(package, image), answer(package, resample(image, (2, 2, 2), order=1))
    assert coarse.measurements[0].value == pytest.approx(fine.measurements[0].value, rel=0.1)


def test_a_tilted_gantry_is_answered_on_its_own_grid_with_a_note() -> None:
    affine = np.diag([1.0, 1, 2, 1])
    affine[1, 2] = 0.7
    image = Image(np.zeros((1, 20, 24, 10), np.float32), affine)
    image.array[0, 6:14, 6:18, 2:8] = 1
    package = package_of(
        threshold_segmenter(1, 3, 0.5),
        task="segmentation",
        labels=["background", "lesion"],
        positive=None,
        preprocess={"dimensions": 3, "orientation": "RAS", "intensity": [{"method": "fixed"}]},
        windows=None,
    )
    found = predict(package, image)
    assert isinstance(found.answer, LabelMap)
    mask = found.answer.mask
    assert mask.shape == image.spatial
    # Slices were moved by parts of a voxel and back: only a rim of one voxel may differ.
    np.testing.assert_array_equal(mask[6:14, 7:17, 2:8], 1)
    assert mask.sum() <= 8 * 14 * 6 and mask[:, :, [0, 1, 8, 9]].sum() == 0
    assert "sheared grid" in found.notes[-1]


def test_entropy_is_that_of_the_mask_itself() -> None:
    """Of three labels none reaches one half: the voxel is in the mask, and its doubt counts."""
    m = manifest(task="segmentation", labels=["background", "a", "b"], positive=None)
    image = Image(np.zeros((1, 8, 8), np.float32), np.eye(4))
    p = np.zeros((3, 8, 8), np.float32)
    p[0] = 1
    p[:, 2, 2] = 0.2, 0.4, 0.4
    p[:, 5, 5] = 0.48, 0.47, 0.05  # doubtful, and background all the same
    found = segmentation.answer({"probability": p}, prepare(image, m.preprocess), m)
    assert np.argwhere(found.mask).tolist() == [[2, 2]]
    expected = -(0.2 * np.log(0.2) + 0.8 * np.log(0.4)) / np.log(3)
    assert found.entropy_in_mask == pytest.approx(expected, rel=1e-5)
