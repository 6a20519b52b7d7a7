"""Boxes: average precision is pycocotools', counts are those of brute force, thresholds hold their rule."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from scipy.special import expit, logit
from tests.evaluate.samples import boxes_of, image, manifest_of, objects_of
from tests.evaluate.samples import detection as sample_of

from overread.evaluate.figures import FrocFigure
from overread.evaluate.objects import from_text, right_ones
from overread.evaluate.rows import Row
from overread.evaluate.run import evaluation_of
from overread.evaluate.tasks import detection
from overread.imaging.boxes import Boxes

LABELS = ["nodule", "mass"]


def _coco(rows: list[Row]) -> dict[int, float]:
    """Average precision at an overlap of 0.5 of each label by pycocotools."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truths, results = [], []
    for i, row in enumerate(rows, 1):
        for column, into in (("truth", truths), ("candidates", results)):
            boxes = from_text(row[column], LABELS, axes=2)
            for low, high, label, score in zip(
                boxes.low, boxes.high, boxes.labels, boxes.scores, strict=True
            ):
                (y, x), (h, w) = low.tolist(), (high - low).tolist()
                into.append(
                    {
                        "id": len(into) + 1,
                        "image_id": i,
                        "category_id": int(label) + 1,
                        "bbox": [x, y, w, h],
                        "area": w * h,
                        "iscrowd": 0,
                        "score": float(score),
                    }
                )
    coco = COCO()
    coco.dataset = {
        "images": [{"id": i} for i in range(1, len(rows) + 1)],
        "categories": [{"id": k + 1, "name": name} for k, name in enumerate(LABELS)],
        "annotations": truths,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(results), "bbox")
        run.params.iouThrs = np.array([0.5])
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"][0, :, :, 0, 2]
    return {k: float(precision[:, k].mean()) for k in range(len(LABELS))}


@pytest.mark.parametrize("seed", [0, 1])
def test_average_precision_is_pycocotools(seed: int) -> None:
    sample = sample_of(LABELS, n=40, seed=seed)
    found = evaluation_of(sample.rows, sample.manifest)
    expected = _coco(sample.rows)
    for k, label in enumerate(LABELS):
        m = found.of("average_precision", label)
        assert m is not None and m.interval.estimate == pytest.approx(expected[k], abs=1e-9)
        assert 0 < m.interval.estimate < 1 and m.interval.low < m.interval.estimate < m.interval.high
    mean = found.of("map", None)
    assert mean is not None and mean.interval.estimate == pytest.approx(np.mean(list(expected.values())))


def test_fixed_thresholds_count_what_was_answered() -> None:
    sample = sample_of(LABELS, n=40)
    found = evaluation_of(sample.rows, sample.manifest)
    for k, label in enumerate(LABELS):
        right = false = true = 0
        for answer, truth in sample.cases:
            assert isinstance(truth, Boxes)
            shown = answer.boxes.where(answer.boxes.labels == k)  # type: ignore[union-attr]
            hit = right_ones(shown, truth, least=0.5)
            right, false, true = right + hit.sum(), false + (~hit).sum(), true + (truth.labels == k).sum()
        expected = {
            "sensitivity": right / true,
            "precision": right / (right + false),
            "false_positives_per_image": false / 40,
        }
        for key, value in expected.items():
            m = found.of(key, label)
            assert m is not None and m.interval.estimate == pytest.approx(value)


def test_the_curve_goes_through_the_fixed_point() -> None:
    sample = sample_of(LABELS, n=40)
    found = evaluation_of(sample.rows, sample.manifest)
    (figure,) = found.figures
    assert isinstance(figure, FrocFigure) and list(figure.labels) == LABELS
    for rates, shares, point in zip(figure.false_positives, figure.sensitivity, figure.points, strict=True):
        assert point is not None
        near = np.abs(rates - point[0]) + np.abs(shares - point[1])
        assert near.min() < 1e-9


def test_a_full_picture_counts_every_object() -> None:
    """COCO looks at a hundred boxes a picture; a blood smear has more cells."""
    corners = [(y, x) for y in range(0, 120, 10) for x in range(0, 120, 10)]
    scores = np.linspace(0.9, 0.6, len(corners))
    cells = boxes_of([(0, s, y, x, y + 8, x + 8) for s, (y, x) in zip(scores, corners, strict=True)])
    manifest = manifest_of("detection", ["cell"])
    rows: list[Row] = [
        {"case": f"c{i}", "patient": f"p{i}", "outcome": "ok"}
        | detection.row(objects_of(cells, ["cell"]), cells, image(), manifest)
        for i in range(2)
    ]
    found = evaluation_of(rows, manifest).of("average_precision", "cell")
    assert len(cells) > 100 and found is not None and found.interval.estimate == pytest.approx(1)


def test_a_label_that_no_image_has_is_left_out_and_named() -> None:
    sample = sample_of(LABELS)
    cases = [
        (answer, truth.where(truth.labels == 0)) for answer, truth in sample.cases if isinstance(truth, Boxes)
    ]
    rows: list[Row] = [
        {"case": f"c{i}", "patient": f"p{i}", "outcome": "ok"}
        | detection.row(answer, truth, image(), sample.manifest)
        for i, (answer, truth) in enumerate(cases)
    ]
    found = evaluation_of(rows, sample.manifest)
    mean, nodule = found.of("map", None), found.of("average_precision", "nodule")
    assert mean is not None and nodule is not None and "1 of 2 labels" in mean.unit
    assert mean.interval.estimate == nodule.interval.estimate
    assert found.reason("average_precision", "mass") == "no image has it"
    assert found.of("false_positives_per_image", "mass") is not None


def _evidence(n: int = 150, seed: int = 0) -> list[tuple[Boxes, Boxes]]:
    """Candidates whose score is right as often as its square says: twice too sure on the scale of logits."""
    generator = np.random.default_rng(seed)
    out = []
    for _ in range(n):
        found, true = [], []
        for x in (0, 20):
            z = generator.normal(0, 1)
            if generator.random() < expit(z):
                true.append((0, 1, 0, x, 8, x + 8))
            found.append((0, expit(2 * z), 0, x, 8, x + 8))
        if generator.random() < 0.2:
            true.append((0, 1, 12, 10, 20, 18))  # never found
        out.append((boxes_of(found), boxes_of(true)))
    return out


def test_scores_become_the_share_of_candidates_that_are_right() -> None:
    found = detection.calibrate(_evidence(1500), manifest_of("detection", ["nodule"]), "f1", None)
    scale = found.calibration.scales["nodule"]
    assert scale.slope == pytest.approx(0.5, abs=0.06) and scale.intercept == pytest.approx(0, abs=0.1)
    point = found.operating_points["nodule"]
    assert point.rule == "f1" and set(point.figures) == {
        "apparent_sensitivity",
        "apparent_precision",
        "apparent_false_positives_per_image",
    }
    assert (
        found.calibration.count_differences["nodule"][-1].low
        < 0
        < found.calibration.count_differences["nodule"][-1].high
    )
    assert found.calibration.cases == 1500 and len(found.reference["score_quantiles"]["nodule"]) == 21


@pytest.mark.parametrize("rule", ["sensitivity>=0.7", "false_positives<=0.3"])
def test_the_threshold_holds_on_the_scaled_scores(rule: str) -> None:
    """Later answers have scaled scores: the threshold must be on these."""
    manifest = manifest_of("detection", ["nodule"])
    evidence = _evidence()
    found = detection.calibrate(evidence, manifest, rule, None)
    point, scale = found.operating_points["nodule"], found.calibration.scales["nodule"]
    rows: list[Row] = []
    for i, (candidates, true) in enumerate(evidence):
        scores = expit(scale.slope * logit(candidates.scores) + scale.intercept)
        scaled = Boxes(candidates.low, candidates.high, candidates.labels, scores)
        answer = objects_of(scaled, ["nodule"], point.threshold)
        about = {"case": f"c{i}", "patient": f"p{i}", "outcome": "ok"}
        rows.append(about | detection.row(answer, true, image(), manifest))
    measured = evaluation_of(rows, manifest)
    for key, figure in point.figures.items():
        m = measured.of(key.removeprefix("apparent_"), "nodule")
        assert m is not None and m.interval.estimate == pytest.approx(figure["estimate"])
    sensitivity, false = (measured.of(k, "nodule") for k in ("sensitivity", "false_positives_per_image"))
    assert sensitivity is not None and false is not None
    if rule.startswith("sensitivity"):
        assert sensitivity.interval.estimate >= 0.7
    else:
        assert false.interval.estimate <= 0.3


def test_nothing_found_on_the_tuning_images_gives_one_half_and_says_so() -> None:
    evidence = [(boxes_of([]), boxes_of([(0, 1, 0, 0, 5, 5)])) for _ in range(12)]
    found = detection.calibrate(evidence, manifest_of("detection", LABELS), "f1", None)
    assert {label: point.threshold for label, point in found.operating_points.items()} == {
        "nodule": 0.5,
        "mass": 0.5,
    }
    notes = found.reference["notes"]
    assert any("none was found" in n for n in notes["nodule"]) and any(
        "no tuning image has it" in n for n in notes["mass"]
    )
    assert found.calibration.count_differences["nodule"][-1].low == 1


def test_the_images_with_most_errors_are_told_first() -> None:
    sample = sample_of(LABELS, n=40)
    told = detection.telling(sample.rows, sample.manifest)
    by_case = {r["case"]: r for r in sample.rows}

    def errors(case: str) -> int:
        r = by_case[case]
        return sum(r[f"true_{x}"] - r[f"right_{x}"] + r[f"false_{x}"] for x in LABELS)

    wrong = [errors(t.case) for t in told if t.title == "Most errors"]
    assert wrong == sorted(wrong, reverse=True) and wrong[0] == max(errors(c) for c in by_case)
    assert all(errors(t.case) == 0 for t in told if t.title == "Correct")
