"""Detection: boxes drawn into the maps come back on the image's own grid, in 2D and 3D, whole and by windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.heat import draw, scattered
from tests.runtime.models import manifest, package_of, spot_detector

from overread.errors import InputError
from overread.imaging.boxes import Boxes
from overread.imaging.grid.geometry import reorient
from overread.imaging.image import Image
from overread.runtime.answer import Objects
from overread.runtime.manifest import Manifest
from overread.runtime.predict import predict
from overread.runtime.preprocess import prepare, prepare_boxes
from overread.runtime.tasks import detection

LABELS = ["nodule", "mass"]


def manifest_of(dimensions: int, **changes: Any) -> Manifest:
    spec: dict[str, Any] = {"dimensions": dimensions, "intensity": [{"method": "fixed"}]}
    spec |= changes.pop("spec", {})
    return manifest(task="detection", positive=None, labels=LABELS, preprocess=spec, **changes)


def sorted_corners(boxes: Boxes) -> np.ndarray:
    """Label, low and high of each, along the first axis."""
    corners = np.hstack([boxes.labels[:, None], boxes.low, boxes.high])
    return corners[np.argsort(corners[:, 1])]


AFFINES = [
    np.diag([1.0, 1, 1, 1]),
    np.array([[-0.8, 0, 0, 30], [0, -0.9, 0, 28], [0, 0, 2.5, -20], [0, 0, 0, 1]]),
    np.array([[0, 0, 1.5, -16], [-1.2, 0, 0, 20], [0, 1.1, 0, -15], [0, 0, 0, 1]]),
]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([(2, 0), (3, 0), (3, 1), (3, 2)]),
    st.booleans(),
    st.sampled_from([1, 2, 4]),
    st.integers(0, 4),
    st.integers(0, 2**31),
)
def test_drawn_boxes_come_back(where: tuple[int, int], resized: bool, step: int, n: int, seed: int) -> None:
    axes, affine = where
    spatial = [56, 44, 36][:axes]
    truth = scattered(np.random.default_rng(seed), n, spatial)
    spec: dict[str, Any] = {"orientation": "RAS"} if axes == 3 else {}
    if resized:
        # No axis shrinks, so that centres do not fall into neighbouring cells.
        spec["size"] = [64, 60, 72][:axes]
    m = manifest_of(axes, spec=spec)
    image = Image(np.zeros((1, *spatial), np.float32), AFFINES[affine])
    prepared = prepare(image, m.preprocess)
    there = prepare_boxes(truth, image, m.preprocess)
    grid = prepared.array.shape[1:]
    raw: dict[str, np.ndarray] = {
        **draw(there, grid, [step] * axes),
        "stride": np.full(axes, step, np.float32),
    }
    found = detection.answer(raw, prepared, m)
    np.testing.assert_allclose(sorted_corners(found.boxes), sorted_corners(truth), atol=0.01)
    assert found.world.shape == (len(found.boxes) if axes == 3 else 0, 6)
    assert [m.value for m in found.measurements] == [(found.boxes.labels == k).sum() for k in (0, 1)]


def test_world_is_in_mm_of_the_patient() -> None:
    m = manifest_of(3, spec={"orientation": "RAS", "spacing": [1.0, 1.0, 1.0]})
    affine = np.array([[-2.0, 0, 0, 30], [0, -2, 0, 28], [0, 0, 3, -20], [0, 0, 0, 1]])
    image = Image(np.zeros((1, 24, 20, 16), np.float32), affine)
    truth = Boxes.of([[5.0, 6, 7]], [[9.0, 12, 9]], [1], axes=3)
    there = prepare_boxes(truth, image, m.preprocess)
    prepared = prepare(image, m.preprocess)
    assert prepared.array.shape == (1, 48, 40, 48)
    raw = draw(there, prepared.array.shape[1:], [2, 2, 2])
    found = detection.answer(raw, prepared, m)
    np.testing.assert_allclose(found.boxes.low, truth.low, atol=0.01)
    # x: voxel edges 5 and 9 are centres 4.5 and 8.5, at 21 and 13 mm.
    np.testing.assert_allclose(found.world, [[13, 5, -0.5, 21, 17, 5.5]], atol=0.02)


def spots(spatial: list[int], at: list[list[int]]) -> np.ndarray:
    array = np.zeros((1, *spatial), np.float32)
    for place in at:
        array[(0, *place)] = 1
    return array


DETECTOR: dict[str, Any] = {"task": "detection", "positive": None, "labels": ["spot"]}


@pytest.mark.parametrize("windows", [None, {"size": [16, 16], "overlap": 0.5}])
def test_a_network_finds_spots_whole_and_by_windows(windows: dict[str, Any] | None) -> None:
    spatial = [64, 48] if windows is None else [61, 47]
    at = [[5, 6], [30, 41], [58, 3], [38, 20]]
    spec = {"dimensions": 2, "intensity": [{"method": "fixed"}]}
    package = package_of(spot_detector(2, 4, 6.0), preprocess=spec, windows=windows, **DETECTOR)
    found = predict(package, Image(spots(spatial, at), np.eye(4))).answer
    assert isinstance(found, Objects)
    middle = np.array(sorted([p // 4 * 4 + 2 for p in place] for place in at))
    expected = np.hstack([middle - 3, middle + 3]).clip(0, [*spatial, *spatial])
    np.testing.assert_allclose(
        sorted_corners(found.boxes)[:, 1:], expected[np.argsort(expected[:, 0])], atol=1e-4
    )
    assert found.boxes.scores.min() > 0.9 and found.measurements[0].value == 4


def test_windows_in_3d_on_a_turned_volume() -> None:
    image = Image(spots([20, 26, 33], [[3, 4, 30], [15, 22, 6]]), np.eye(4))
    spec = {"dimensions": 3, "orientation": "RAS", "intensity": [{"method": "fixed"}]}
    package = package_of(
        spot_detector(3, 2, 4.0),
        preprocess=spec,
        windows={"size": [8, 8, 8], "overlap": 0.5},
        **DETECTOR,
    )
    found, turned = predict(package, image).answer, predict(package, reorient(image, "ASR")).answer
    assert isinstance(found, Objects) and isinstance(turned, Objects)
    assert len(found.boxes) == len(turned.boxes) == 2
    for objects in (found, turned):
        centres = (objects.world[:, :3] + objects.world[:, 3:]) / 2
        for centre in centres:
            assert np.abs(centre - [[3, 4, 30], [15, 22, 6]]).max(axis=1).min() <= 1


def test_scales_and_thresholds_of_each_label() -> None:
    heat = np.full((2, 8, 8), -9.0, np.float32)
    heat[0, 1, 1], heat[0, 6, 6], heat[1, 1, 6] = 3, 1, 2
    raw = {"heat": heat, "size": np.zeros((2, 8, 8), np.float32), "offset": np.zeros((2, 8, 8), np.float32)}
    image = Image(np.zeros((1, 16, 16), np.float32), np.eye(4))
    m = manifest_of(
        2,
        calibration={"scales": {"nodule": {"slope": 0.5, "intercept": 0.0}}},
        operating_points={"nodule": {"rule": "froc", "threshold": 0.7}},
    )
    found = detection.answer(raw, prepare(image, m.preprocess), m)
    # Best first over the labels: mass at 2, nodule at 1.5; the other nodule, at 0.5, stays below its threshold.
    assert found.boxes.labels.tolist() == [1, 0]
    np.testing.assert_allclose(found.boxes.scores, 1 / (1 + np.exp([-2, -1.5])))
    assert found.thresholds == {"nodule": 0.7} and found.labels == ("nodule", "mass")
    assert found.candidates is not None and found.candidates.labels.tolist() == [1, 0, 0]
    assert [(x.label, x.value) for x in found.measurements] == [("nodule", 1), ("mass", 1)]


def test_calibration_changes_no_candidate() -> None:
    heat = np.full((2, 8, 8), -9.0, np.float32)
    heat[0, 1, 1] = 0
    raw = {"heat": heat, "size": np.zeros((2, 8, 8), np.float32), "offset": np.zeros((2, 8, 8), np.float32)}
    image = Image(np.zeros((1, 16, 16), np.float32), np.eye(4))
    m = manifest_of(2, calibration={"scales": {"nodule": {"slope": 1, "intercept": -6}}})
    found = detection.candidates(raw, prepare(image, m.preprocess), m)
    assert len(found) == 1 and found.scores[0] == pytest.approx(1 / (1 + np.exp(6)))


def test_boxes_end_at_the_image() -> None:
    heat = np.full((1, 4, 4), -9.0, np.float32)
    heat[0, 0, 0] = 5
    raw = {
        "heat": heat,
        "size": np.full((2, 4, 4), np.log(10), np.float32),
        "offset": np.full((2, 4, 4), 0.5, np.float32),
    }
    m = manifest(task="detection", positive=None, labels=["x"])
    image = Image(np.zeros((1, 8, 8), np.float32), np.eye(4))
    found = detection.answer(raw, prepare(image, m.preprocess), m)
    np.testing.assert_allclose(found.boxes.low, 0, atol=0)
    np.testing.assert_allclose(found.boxes.high, 6, atol=1e-5)


def test_decoding_is_the_packages() -> None:
    heat = np.full((1, 8, 8), -9.0, np.float32)
    heat[0, 2, 2], heat[0, 2, 4], heat[0, 6, 6] = 3, 2, -1
    size = np.full((2, 8, 8), np.log(8), np.float32)
    raw = {"heat": heat, "size": size, "offset": np.full((2, 8, 8), 0.5, np.float32)}
    image = Image(np.zeros((1, 32, 32), np.float32), np.eye(4))

    def count(**decoding: float) -> int:
        spec = {"dimensions": 2, "intensity": [{"method": "fixed"}]}
        m = manifest(task="detection", positive=None, labels=["x"], preprocess=spec, decoding=decoding)
        return len(detection.candidates(raw, prepare(image, m.preprocess), m))

    # The two upper boxes have no voxel in common at stride 4 with 8 voxels each: 8 apart.
    assert count() == 3
    assert count(smallest_score=0.5) == 2 and count(most=1) == 1
    size[1] = np.log(16)
    assert count(overlap=0.3) == 2 and count(overlap=0.4) == 3


@pytest.mark.parametrize("wrong", ["size", "offset"])
def test_outputs_on_another_grid_are_refused(wrong: str) -> None:
    m = manifest(task="detection", positive=None, labels=["x"])
    prepared = prepare(Image(np.zeros((1, 8, 8), np.float32), np.eye(4)), m.preprocess)
    out = {"heat": (1, 1, 4, 4), "size": (1, 2, 4, 4), "offset": (1, 2, 4, 4), wrong: (1, 2, 8, 8)}
    with pytest.raises(InputError, match="expected one grid"):
        detection.raw(lambda batch: {k: np.zeros(v, np.float32) for k, v in out.items()}, prepared, m)
