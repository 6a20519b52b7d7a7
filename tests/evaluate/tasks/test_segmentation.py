"""A label for every voxel: overlap, distances and lesions of each case, spreads from the tuning cases."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluate.samples import SIZE, manifest_of
from tests.evaluate.samples import segmentation as sample_of

from overread.evaluate.figures import PerCaseFigure
from overread.evaluate.run import evaluation_of
from overread.evaluate.tasks import segmentation
from overread.imaging.image import Image
from overread.runtime.answer import LabelMap
from overread.stats.intervals import proportion_ci

LABELS = ["background", "tumour", "error"]


def _lesions(counts: list[tuple[int, int, int]]) -> dict:
    """Measures of the lesions of cases with so many found, false and missed."""
    manifest = manifest_of("segmentation", LABELS[:2], counted_labels=["tumour"])
    rows = []
    for i, (found, false, missed) in enumerate(counts):
        truth, mask = np.zeros((SIZE, SIZE), np.uint8), np.zeros((SIZE, SIZE), np.uint8)
        truth[2 * np.arange(found + missed), 0] = 1
        mask[2 * np.arange(found), 0] = 1
        mask[2 * np.arange(false), 10] = 1
        image = Image(np.zeros((1, SIZE, SIZE), np.float32), np.eye(4))
        about = {"case": f"c{i}", "patient": f"p{i}", "outcome": "ok"}
        rows.append(about | segmentation.row(LabelMap(mask), truth, image, manifest))
    evaluation = evaluation_of(rows, manifest)
    measured = {m.metric.key: m.interval for m in evaluation.measured if m.label == "tumour"}
    return measured | {n.metric: n.reason for n in evaluation.not_computed}


def test_lesions_are_pooled_over_cases() -> None:
    found = _lesions([(2, 1, 0), (1, 0, 2), (0, 1, 1)])
    assert found["lesion_sensitivity"].estimate == pytest.approx(3 / 6)
    assert found["lesion_precision"].estimate == pytest.approx(3 / 5)
    assert found["lesion_f1"].estimate == pytest.approx(6 / 11)
    assert found["false_lesions_per_case"].estimate == pytest.approx(2 / 3)


def test_lesions_of_two_cases_are_not_certainty() -> None:
    found = _lesions([(1, 0, 0), (1, 0, 0), (0, 0, 0)])["lesion_sensitivity"]
    assert (found.estimate, found.high) == (1.0, 1.0) and found.low == proportion_ci(2, 2).low < 0.5


def test_a_precision_without_a_single_finding_is_not_computed() -> None:
    found = _lesions([(0, 0, 2), (0, 0, 1)])
    assert isinstance(found["lesion_precision"], str) and not isinstance(found["lesion_sensitivity"], str)


def test_a_case_is_measured_on_the_images_own_grid() -> None:
    manifest = manifest_of("segmentation", LABELS[:2])
    truth, mask = np.zeros((SIZE, SIZE), np.uint8), np.zeros((SIZE, SIZE), np.uint8)
    truth[4:8, 4:8] = 1
    mask[4:8, 4:12] = 1
    known = Image(np.zeros((1, SIZE, SIZE), np.float32), np.diag([0.5, 0.5, 1, 1]))
    row = segmentation.row(LabelMap(mask), truth, known, manifest)
    assert row["dice"] == row["dice_tumour"] == pytest.approx(2 * 16 / (16 + 32))
    assert row["volume_error_tumour"] == pytest.approx(16 * 0.25) and row["length_unit"] == "mm"
    assert row["hd95_tumour"] == pytest.approx(2.0)
    unknown = Image(known.array, known.affine, source={"spacing_known": False})
    assert segmentation.row(LabelMap(mask), truth, unknown, manifest)["length_unit"] == "pixels"


def test_units_follow_dimensions_and_spacing() -> None:
    sample = sample_of(LABELS, ["tumour"])
    units = {m.metric.key: m.unit for m in evaluation_of(sample.rows, sample.manifest).measured}
    assert (units["hd95"], units["volume_error"]) == ("mm", "mm2, found minus true")
    rows = [r | {"length_unit": "pixels"} if i == 3 else r for i, r in enumerate(sample.rows)]
    units = {m.metric.key: m.unit for m in evaluation_of(rows, sample.manifest).measured}
    assert (units["hd95"], units["volume_error"]) == ("pixels", "pixels, found minus true")


def test_the_mean_is_over_labels_of_each_case() -> None:
    sample = sample_of(LABELS, ["tumour"])
    found = evaluation_of(sample.rows, sample.manifest)
    each = [found.of("dice", label) for label in (None, "tumour", "error")]
    mean, tumour, error = (m.interval.estimate for m in each if m is not None)
    assert mean == pytest.approx((tumour + error) / 2)
    (figure,) = found.figures
    assert isinstance(figure, PerCaseFigure) and set(figure.values) == set(figure.means) == {
        "tumour",
        "error",
    }
    assert figure.values["tumour"].mean() == pytest.approx(tumour)


def test_worst_median_and_best_are_told_once_each() -> None:
    sample = sample_of(LABELS, [])
    told = segmentation.telling(sample.rows, sample.manifest)
    assert [t.title for t in told] == ["Worst"] * 3 + ["Median"] * 3 + ["Best"] * 3
    assert len({t.case for t in told}) == 9
    few = segmentation.telling(sample.rows[:2], sample.manifest)
    assert [t.title for t in few] == ["Worst", "Worst"]


def test_calibration_is_spreads_of_counted_and_measured_labels() -> None:
    manifest = manifest_of("segmentation", LABELS, counted_labels=["tumour"])
    generator = np.random.default_rng(0)
    evidence = [
        {
            "tumour": (v, v * generator.lognormal(0, 0.1), int(generator.integers(-1, 2))),
            "error": (0.0, 0.0, 0),
        }
        for v in generator.lognormal(3, 0.5, 30)
    ]
    found = segmentation.calibrate(evidence, manifest, "", None)
    assert set(found.calibration.volume_ratio) == set(found.calibration.count_difference) == {"tumour"}
    ratio, count = found.calibration.volume_ratio["tumour"], found.calibration.count_difference["tumour"]
    assert 0.7 < ratio.low < 1 < ratio.high < 1.4 and (count.low, count.high) == (-1, 1)
    assert len(found.reference["volume"]["tumour"]) == 11 and not found.operating_points
    few = segmentation.calibrate(evidence, manifest, "", np.arange(30) // 6)
    assert not few.calibration.volume_ratio and not few.calibration.count_difference
