"""predict(): the answer, the gate, and the way back to the image's own grid."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.runtime.models import manifest, mean_classifier, threshold_segmenter

from overread.imaging.grid.geometry import reorient, resample
from overread.imaging.image import Image
from overread.runtime.package import Package
from overread.runtime.predict import decide_label, measure, predict
from overread.runtime.prediction import Outcome


def package_of(model: bytes, **changes: object) -> Package:
    m = manifest(**changes).sealed()
    return Package(Path("tiny.overread"), m, model)


def gray(value: float, shape: tuple[int, int] = (8, 8), **changes: object) -> Image:
    return Image(np.full((1, *shape), value, np.float32), np.eye(4)).with_(**changes)


def test_classification_scores_and_threshold() -> None:
    package = package_of(mean_classifier(2), operating_point={"rule": "youden", "threshold": 0.9})
    sure, unsure = predict(package, gray(1.0)), predict(package, gray(0.4))
    assert sure.scores["abnormal"] == pytest.approx(1 / (1 + np.exp(-4.0)), rel=1e-5)
    assert sum(sure.scores.values()) == pytest.approx(1)
    assert sure.label == "abnormal" and sure.package_sha256 == package.sha256
    # 0.83 lies above one half and below the operating point.
    assert unsure.scores["abnormal"] > 0.5 and unsure.label == "normal"


def test_temperature_conformal_set_and_score_interval() -> None:
    calibration = {
        "temperature": 2.0,
        "bins": {
            "abnormal": [
                {"low": 0.0, "high": 0.5, "observed_low": 0.01, "observed_high": 0.3, "cases": 25},
                {"low": 0.5, "high": 1.0, "observed_low": 0.6, "observed_high": 0.95, "cases": 25},
            ]
        },
        "conformal_coverage": 0.9,
        "conformal_quantile": 0.95,
        "cases": 50,
    }
    found = predict(package_of(mean_classifier(2), calibration=calibration), gray(1.0))
    assert found.scores["abnormal"] == pytest.approx(1 / (1 + np.exp(-2.0)), rel=1e-5)
    assert found.score_intervals["abnormal"] == (0.6, 0.95)
    assert found.label_set == ("normal", "abnormal") and found.set_coverage == 0.9
    assert "90% interval 0.60 to 0.95" in found.summary()


def test_multiclass_takes_the_likeliest() -> None:
    m = manifest(labels=["a", "b", "c"], positive=None)
    assert decide_label(np.array([0.2, 0.5, 0.3]), m) == "b"


@pytest.mark.parametrize(
    ("image", "limits", "code"),
    [
        (gray(1.0, (100, 90)), {"size": [(4, 16), (4, 16)]}, "SIZE"),
        (gray(1.0, modality="CT"), {"modality": ["CR", "DX"]}, "MODALITY"),
        (gray(1.0, source={"age_years": 64.0}), {"age_years": (1, 5)}, "AGE"),
        (gray(1.0, source={"BodyPartExamined": "KNEE"}), {"body_part": ["CHEST"]}, "BODY_PART"),
        (Image(np.zeros((1, 8, 8, 8), np.float32), np.eye(4)), {}, "DIMENSIONS"),
        (gray(1.0, affine=np.diag([9.0, 9, 1, 1])), {"spacing_mm": [(0.5, 2), (0.5, 2)]}, "SPACING"),
    ],
)
def test_outside_the_limits_there_is_a_coded_reason_and_no_score(
    image: Image, limits: dict, code: str
) -> None:
    found = predict(package_of(mean_classifier(2), limits=limits), image)
    assert found.outcome is Outcome.OUT_OF_LIMITS
    assert [b.code for b in found.breaches] == [code]
    assert not found.scores and found.label is None and found.mask is None
    assert code in found.summary()


def test_what_the_image_does_not_state_breaks_no_limit() -> None:
    limits = {"modality": ["CR"], "age_years": (1, 5), "body_part": ["CHEST"]}
    assert predict(package_of(mean_classifier(2), limits=limits), gray(1.0)).outcome is Outcome.OK


def blob(affine: np.ndarray, shape: tuple[int, int, int]) -> tuple[Image, np.ndarray]:
    """A bright ball of 9 mm radius around a fixed point of the patient, sampled on any grid."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    world = index @ affine[:3, :3].T + affine[:3, 3]
    inside = np.linalg.norm(world - np.array([3.0, -2, 4]), axis=-1) < 9
    return Image(inside[None].astype(np.float32), affine), inside


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


@pytest.mark.parametrize(
    "affine",
    [
        np.array([[1.0, 0, 0, -15], [0, 1, 0, -16], [0, 0, 1, -14], [0, 0, 0, 1]]),
        np.array([[-2.0, 0, 0, 30], [0, -2, 0, 28], [0, 0, 3, -20], [0, 0, 0, 1]]),
        np.array([[0, 0, 2.5, -16], [-1.2, 0, 0, 20], [0, 1.2, 0, -15], [0, 0, 0, 1]]),
    ],
)
def test_segmentation_comes_back_on_the_grid_of_the_image(affine: np.ndarray) -> None:
    image, inside = blob(affine, (30, 32, 20))
    found = predict(package_of(threshold_segmenter(1, 3, 0.5), **SEGMENTER), image)
    assert found.mask is not None and found.mask.shape == inside.shape
    overlap = 2 * (found.mask.astype(bool) & inside).sum() / (found.mask.sum() + inside.sum())
    assert overlap > 0.93
    volume, count = found.measurements
    expected = inside.sum() * abs(np.linalg.det(affine[:3, :3])) / 1000
    assert volume.unit == "ml" and volume.value == pytest.approx(expected, rel=0.12)
    assert volume.low == pytest.approx(0.8 * (volume.value + 0.1) - 0.1)
    assert volume.high == pytest.approx(1.25 * (volume.value + 0.1) - 0.1) and volume.confidence == 0.9
    assert (count.value, count.low, count.high, count.confidence) == (1, 0, 3, 0.85)
    assert "85% interval 0 to 3" in found.summary() and " 1 1 " not in found.summary()


def test_a_volume_of_nothing_is_not_certain() -> None:
    image = Image(np.zeros((1, 20, 20, 20), np.float32), np.eye(4))
    found = predict(package_of(threshold_segmenter(1, 3, 0.5), **SEGMENTER), image)
    assert found.measurements[0].value == 0
    assert found.measurements[0].low == 0 and found.measurements[0].high == pytest.approx(0.025)


def test_without_a_known_spacing_areas_are_in_pixels() -> None:
    mask = np.zeros((9, 9), np.uint8)
    mask[2:5, 2:6] = 1
    m = manifest(task="segmentation", labels=["background", "spot"], positive=None)
    unknown = Image(np.zeros((1, 9, 9)), np.eye(4), source={"spacing_known": False})
    known = Image(np.zeros((1, 9, 9)), np.diag([0.5, 0.5, 1, 1]))
    assert [(x.value, x.unit) for x in (*measure(mask, unknown, m), *measure(mask, known, m))] == [
        (12, "{pixels}"),
        (3, "mm2"),
    ]


def test_the_answer_does_not_depend_on_how_the_volume_is_stored() -> None:
    image, _ = blob(
        np.array([[1.5, 0, 0, -20], [0, 1.5, 0, -20], [0, 0, 1.5, -20], [0, 0, 0, 1.0]]), (28, 28, 28)
    )
    package = package_of(threshold_segmenter(1, 3, 0.5), **SEGMENTER)
    turned = reorient(image, "LPI")
    first, second = predict(package, image).mask, predict(package, turned).mask
    assert first is not None and second is not None
    back = reorient(Image(second[None], turned.affine), "RAS").array[0]
    np.testing.assert_array_equal(first, back)


def test_the_answer_survives_resampling() -> None:
    image, _ = blob(
        np.array([[1.0, 0, 0, -20], [0, 1.0, 0, -20], [0, 0, 1.0, -20], [0, 0, 0, 1.0]]), (42, 42, 42)
    )
    package = package_of(threshold_segmenter(1, 3, 0.5), **SEGMENTER)
    fine, coarse = predict(package, image), predict(package, resample(image, (2, 2, 2), order=1))
    assert coarse.measurements[0].value == pytest.approx(fine.measurements[0].value, rel=0.1)


def test_the_clinic_side_imports_no_torch() -> None:
    code = "import overread.clinic, overread.runtime, overread.runtime.predict, sys; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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
    assert found.mask is not None and found.mask.shape == image.spatial
    # Slices were moved by parts of a voxel and back: only a rim of one voxel may differ.
    np.testing.assert_array_equal(found.mask[6:14, 7:17, 2:8], 1)
    assert found.mask.sum() <= 8 * 14 * 6 and found.mask[:, :, [0, 1, 8, 9]].sum() == 0
    assert "sheared grid" in found.notes[-1]
