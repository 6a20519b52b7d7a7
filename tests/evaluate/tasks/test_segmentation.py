"""A label for every voxel: overlap, distances and lesions of each case, spreads from the tuning cases."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluate.samples import SIZE, manifest_of
from tests.evaluate.samples import segmentation as sample_of

from overread.cohort.truth.unknown import Partly
from overread.evaluate import overlaps
from overread.evaluate.figures import PerCaseFigure
from overread.evaluate.mask_pair import MaskPair
from overread.evaluate.run import evaluation_of
from overread.evaluate.tasks import segmentation
from overread.imaging.image import Image
from overread.runtime.answer import LabelMap, Measurement
from overread.runtime.manifest import Manifest
from overread.stats.intervals import proportion_ci

LABELS = ["background", "tumour", "error"]


def _rows(
    pairs: list[tuple[np.ndarray, np.ndarray | None]], counted: list[str] | None = None
) -> tuple[list, Manifest]:
    """Rows of cases with so a truth and so a mask; None: refused."""
    manifest = manifest_of("segmentation", LABELS[:2], counted_labels=counted or [])
    rows = []
    for i, (truth, mask) in enumerate(pairs):
        image = Image(np.zeros((1, SIZE, SIZE), np.float32), np.eye(4))
        about = {
            "case": f"c{i}",
            "patient": f"p{i}",
            "outcome": "ok" if mask is not None else "out_of_limits",
        }
        answer = None if mask is None else LabelMap(mask)
        rows.append(about | segmentation.row(answer, truth, image, manifest))
    return rows, manifest


def _block(*places: tuple[int, int], side: int = 4) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), np.uint8)
    for y, x in places:
        mask[y : y + side, x : x + side] = 1
    return mask


def _lesions(counts: list[tuple[int, int, int]]) -> dict:
    """Measures of the lesions of cases with so many found, false and missed."""
    pairs = []
    for found, false, missed in counts:
        truth, mask = np.zeros((SIZE, SIZE), np.uint8), np.zeros((SIZE, SIZE), np.uint8)
        truth[2 * np.arange(found + missed), 0:4] = 1
        mask[2 * np.arange(found), 0:4] = 1
        mask[2 * np.arange(false), 10:14] = 1
        pairs.append((truth, mask))
    evaluation = evaluation_of(*_rows(pairs, ["tumour"]))
    measured = {m.metric.key: m.interval for m in evaluation.measured if m.label == "tumour"}
    return measured | {n.metric: n.reason for n in evaluation.not_computed}


def test_lesions_are_pooled_over_cases() -> None:
    found = _lesions([(2, 1, 0), (1, 0, 2), (0, 1, 1), (0, 0, 0), (0, 0, 0)])
    assert found["lesion_sensitivity"].estimate == pytest.approx(3 / 6)
    assert found["lesion_precision"].estimate == pytest.approx(3 / 5)
    assert found["lesion_f1"].estimate == pytest.approx(6 / 11)
    assert found["false_lesions_per_case"].estimate == pytest.approx(2 / 5)
    assert found["merged_lesions_per_case"].estimate == found["split_lesions_per_case"].estimate == 0


def test_predicting_the_whole_image_finds_no_lesion() -> None:
    truth = _block((1, 1), (1, 9), (9, 1), (9, 9), (17, 17))
    rows, manifest = _rows([(truth, np.ones((SIZE, SIZE), np.uint8))] * 5, ["tumour"])
    found = {m.metric.key: m.interval.estimate for m in evaluation_of(rows, manifest).measured}
    assert (found["lesion_sensitivity"], found["lesion_precision"], found["lesion_f1"]) == (0, 0, 0)
    assert (found["false_lesions_per_case"], found["merged_lesions_per_case"]) == (1, 1)


def test_lesions_of_two_cases_are_not_certainty() -> None:
    found = _lesions([(1, 0, 0), (1, 0, 0), (0, 0, 0)])["lesion_sensitivity"]
    assert (found.estimate, found.high) == (1.0, 1.0) and found.low == proportion_ci(2, 2).low < 0.5


def test_a_precision_without_a_single_finding_is_not_computed() -> None:
    found = _lesions([(0, 0, 2), (0, 0, 1)])
    assert isinstance(found["lesion_precision"], str) and not isinstance(found["lesion_sensitivity"], str)


def test_a_network_that_finds_nothing_has_a_dice_of_nothing() -> None:
    """With 60% of the patients free of it, empty pairs counted 1 would make that 0.60."""
    none = np.zeros((SIZE, SIZE), np.uint8)
    rows, manifest = _rows([(none, none)] * 6 + [(_block((4, 4)), none)] * 4)
    found = evaluation_of(rows, manifest)
    for label in (None, "tumour"):
        mean, old = found.of("dice", label), found.of("dice_with_empty", label)
        assert mean is not None and old is not None
        assert (mean.interval.estimate, mean.interval.n) == (0, 4)
        assert (old.interval.estimate, old.interval.n) == (0.6, 10)
        assert "6 of 10 pairs both empty" in old.unit
    false = found.of("false_finding", "tumour")
    assert false is not None and (false.interval.estimate, false.interval.n) == (0, 6)


def test_what_is_found_where_nothing_is_stands_apart() -> None:
    none, some = np.zeros((SIZE, SIZE), np.uint8), _block((4, 4))
    rows, manifest = _rows([(none, some), (none, some)] + [(none, none)] * 6 + [(some, some)] * 3)
    found = evaluation_of(rows, manifest)
    share, volume, mean = (found.of(k, "tumour") for k in ("false_finding", "false_volume", "dice"))
    assert share is not None and volume is not None and mean is not None
    assert share.interval.estimate == 0.25 and volume.interval.estimate == pytest.approx(2 * 16 / 8)
    assert mean.interval.estimate == 1
    titles = {t.title for t in found.telling}
    assert "Found where nothing is" in titles


def test_a_refused_case_is_a_miss_or_not_cleared() -> None:
    none, some = np.zeros((SIZE, SIZE), np.uint8), _block((4, 4))
    rows, manifest = _rows([(some, some)] * 3 + [(none, none)] * 3 + [(some, None), (none, None)], ["tumour"])
    found = evaluation_of(rows, manifest)

    def of(key: str) -> float:
        m = found.of(key, "tumour")
        assert m is not None
        return m.interval.estimate

    assert of("dice") == of("nsd") == of("lesion_sensitivity") == 0.75 and of("false_finding") == 0.25
    assert of("dice_with_empty") == pytest.approx(6 / 8)
    diagonal = float(np.hypot(SIZE, SIZE))
    beside = {(m.metric.key, m.label): m.interval.estimate for m in found.beside}
    assert rows[6]["diagonal"] == pytest.approx(diagonal) and beside["dice", "tumour"] == 1


def test_the_surface_dice_has_its_tolerance() -> None:
    truth, mask = _block((4, 4), side=8), _block((6, 4), side=8)
    (near,), _ = _rows([(truth, mask)])
    assert near["nsd_tumour"] == 1  # off by two pixels, which are the tolerance
    (far,), _ = _rows([(truth, _block((9, 4), side=8))])
    assert 0 < far["nsd_tumour"] < 1
    image = Image(np.zeros((1, 8, 8, 8), np.float32), np.diag([1, 1, 5, 1]))
    assert overlaps.tolerance(image) == 5
    assert overlaps.tolerance(Image(image.array, np.eye(4))) == 2


def test_volumes_have_limits_of_agreement_and_an_absolute_error() -> None:
    generator = np.random.default_rng(0)
    pairs = []
    for _ in range(20):
        a, b = generator.integers(4, 10, 2)
        pairs.append((_block((2, 2), side=int(a)), _block((2, 2), side=int(b))))
    rows, manifest = _rows(pairs)
    error = np.array([float(b.sum()) - float(a.sum()) for a, b in pairs])
    found = {m.metric.key: m.interval for m in evaluation_of(rows, manifest).measured}
    assert found["volume_error"].estimate == pytest.approx(error.mean())
    assert found["volume_abs_error"].estimate == pytest.approx(np.abs(error).mean())
    for key, side in (("volume_agreement_low", -1), ("volume_agreement_high", 1)):
        assert found[key].estimate == pytest.approx(error.mean() + side * 1.959964 * error.std(ddof=1))


def test_a_case_is_measured_on_the_images_own_grid() -> None:
    manifest = manifest_of("segmentation", LABELS[:2])
    truth, mask = np.zeros((SIZE, SIZE), np.uint8), np.zeros((SIZE, SIZE), np.uint8)
    truth[4:8, 4:8] = 1
    mask[4:8, 4:12] = 1
    known = Image(np.zeros((1, SIZE, SIZE), np.float32), np.diag([0.5, 0.5, 1, 1]))
    row = segmentation.row(LabelMap(mask), truth, known, manifest)
    assert row["dice"] == row["dice_tumour"] == pytest.approx(2 * 16 / (16 + 32))
    assert row["volume_found_tumour"] - row["volume_true_tumour"] == pytest.approx(16 * 0.25)
    assert row["length_unit"] == "mm"
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


def test_the_mean_is_over_the_labels_that_a_case_shows() -> None:
    sample = sample_of(LABELS, ["tumour"])
    found = evaluation_of(sample.rows, sample.manifest)
    each = [
        np.mean([v for k in LABELS[1:] if (v := r[f"dice_{k}"]) is not None])
        for r in sample.rows
        if any(r[f"shown_{k}"] for k in LABELS[1:])
    ]
    mean, tumour = found.of("dice", None), found.of("dice", "tumour")
    assert mean is not None and mean.interval.estimate == pytest.approx(np.mean(each))
    (figure,) = found.figures
    assert isinstance(figure, PerCaseFigure) and set(figure.values) == set(figure.means) == set(LABELS[1:])
    assert tumour is not None and np.nanmean(figure.values["tumour"]) == pytest.approx(
        tumour.interval.estimate
    )


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
    evidence = []
    for _ in range(30):
        truth, found = np.zeros((2, 64, 64), np.uint8)
        for row in range(2):
            side = int(generator.integers(8, 25))
            truth[2 + 32 * row :, 2:][:side, :side] = 1
            found[2 + 32 * row :, 2:][: side + int(generator.integers(-1, 2)), :side] = 1
        if generator.random() < 0.7:
            found[60:63, 60:63] = 1
        image = Image(np.zeros((1, 64, 64), np.float32), np.eye(4))
        evidence.append(MaskPair.of(found, truth, image, {}))
    found = segmentation.calibrate(evidence, manifest, "", None)
    ratios, counts = found.calibration.volume_ratios, found.calibration.count_differences
    assert set(ratios) == set(counts) == {"tumour"} and len(ratios["tumour"]) == 3
    assert all(0.7 < part.low < 1 < part.high < 1.4 for part in ratios["tumour"])
    # Of the masks as they are answered: without the specks, which are cleaned away.
    assert found.postprocess["tumour"].smallest > 9
    assert {(part.low, part.high) for part in counts["tumour"]} == {(0, 0)}
    assert found.calibration.reasons["error"] == "no tuning case has it"
    assert len(found.reference["volume"]["tumour"]) == 11 and not found.operating_points
    few = segmentation.calibrate(evidence, manifest, "", np.arange(30) // 6)
    assert not few.calibration.volume_ratios and not few.calibration.count_differences


def test_coverage_of_those_who_have_it_is_told_apart() -> None:
    """Half the patients have nothing and nothing was found: 0.90 over all may be 0.81 of the others."""
    none, rows = np.zeros((SIZE, SIZE), np.uint8), []
    manifest = manifest_of("segmentation", LABELS[:2])
    image = Image(np.zeros((1, SIZE, SIZE), np.float32), np.eye(4))
    sides = [3, 3, 4, 4, 5, 10, 10, 11, 11, 12]
    for i in range(20):
        truth = _block((2, 2), side=sides[i]) if i < 10 else none
        # Of the small ones three intervals hold, of the large ones all.
        off = 50 if i in (0, 3) else 0
        size = float(truth.sum()) + off
        stated = (Measurement("tumour", "area", size, max(0.0, size - 2), size + 2, "mm2"),)
        about = {"case": f"c{i}", "patient": f"p{i}", "outcome": "ok"}
        rows.append(about | segmentation.row(LabelMap(truth, stated), truth, image, manifest))
    found = evaluation_of(rows, manifest)
    expected = {"": (0.9, 20), "_present": (0.8, 10), "_small": (0.6, 5), "_large": (1.0, 5)}
    for part, (share, n) in expected.items():
        m = found.of(f"interval_coverage{part}", "tumour")
        assert m is not None and (m.interval.estimate, m.interval.n) == (share, n)


def test_a_structure_that_was_missed_is_a_share_of_those_who_have_it() -> None:
    none, some = np.zeros((SIZE, SIZE), np.uint8), _block((4, 4))
    rows, manifest = _rows([(some, some)] * 2 + [(some, none)] + [(none, none)] * 5 + [(some, None)])
    missed = evaluation_of(rows, manifest).of("missed", "tumour")
    assert missed is not None and (missed.interval.estimate, missed.interval.n) == (0.5, 4)


def test_what_nobody_knows_counts_neither_way() -> None:
    """Voxels left open, and a label that the truth does not state."""
    truth, mask = _block((4, 4)), _block((4, 4))
    truth[12:] = 255
    mask[14:16, 2:9] = 1
    (row,), manifest = _rows([(truth, mask)])
    assert (row["dice_tumour"], row["volume_found_tumour"]) == (1, 16)
    rows, manifest = _rows([(truth, mask)] * 3 + [(Partly.of(_block((4, 4)), (1,)), mask)])
    assert "shown_tumour" not in rows[3] and segmentation.shows(rows[3], manifest) == []
    found = evaluation_of(rows, manifest)
    for key in ("dice", "dice_with_empty", "volume_error"):
        m = found.of(key, "tumour")
        assert m is not None and m.interval.n == 3
