"""Boxes, matching and average precision, against pycocotools."""

from __future__ import annotations

import contextlib
import io
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from overread.stats.detection import (
    average_precision,
    box_area,
    box_centres,
    box_iou,
    coco_summary,
    convert_boxes,
    match_detections,
    mean_average_precision,
)

Entries = list[dict[str, Any]]


def _corners(axes: int) -> st.SearchStrategy[NDArray]:
    return st.integers(0, 6).flatmap(
        lambda n: arrays(np.int64, (n, 2 * axes), elements=st.integers(0, 12)).map(
            lambda b: np.hstack([np.minimum(b[:, :axes], b[:, axes:]), np.maximum(b[:, :axes], b[:, axes:])])
        )
    )


@given(st.sampled_from([2, 3]).flatmap(lambda axes: st.tuples(_corners(axes), _corners(axes))))
def test_iou_agrees_with_counting_pixels(pair: tuple[NDArray, NDArray]) -> None:
    a, b = pair
    axes = a.shape[1] // 2
    grid = np.indices((12,) * axes)

    def filled(box: NDArray) -> NDArray:
        low, high = (part.reshape(-1, *[1] * axes) for part in (box[:axes], box[axes:]))
        return ((grid >= low) & (grid < high)).all(axis=0)

    found = box_iou(a, b)
    assert found.shape == (len(a), len(b))
    for i, x in enumerate(a):
        assert box_area(a)[i] == filled(x).sum()
        for j, y in enumerate(b):
            union = (filled(x) | filled(y)).sum()
            assert found[i, j] == pytest.approx((filled(x) & filled(y)).sum() / union if union else 0)


def test_box_formats() -> None:
    corners = [[10, 20, 30, 60]]
    assert convert_boxes(corners, source="corners", target="corner-size").tolist() == [[10, 20, 20, 40]]
    assert convert_boxes(corners, source="corners", target="centre-size").tolist() == [[20, 40, 20, 40]]
    for name in ("corner-size", "centre-size"):
        there = convert_boxes(corners, source="corners", target=name)  # type: ignore[arg-type]
        assert convert_boxes(there, source=name).tolist() == corners  # type: ignore[arg-type]
    assert box_centres([[0, 0, 0, 2, 4, 6]]).tolist() == [[1, 2, 3]]
    assert box_iou([[0, 0, 4, 4]], [[0, 0, 8, 8]], crowd=np.array([True]))[0, 0] == 1


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([[0, 0, 1]], r"shape \(1, 3\)"),
        ([0, 0, 1, 1], r"shape \(4,\)"),
        ([[0, 0, np.nan, 1]], "NaN"),
        ([[5, 5, 1, 9]], "lower corner"),
    ],
)
def test_bad_boxes(boxes: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        box_area(boxes)
    with pytest.raises(ValueError, match=message):
        mean_average_precision([{"boxes": boxes, "scores": [1]}], [{"boxes": [[0, 0, 1, 1]]}])


def test_each_object_is_found_once() -> None:
    truth = [[0, 0, 10, 10], [20, 0, 30, 10]]
    pred = [[0, 0, 10, 9], [0, 0, 10, 10], [21, 0, 31, 10], [50, 50, 60, 60]]
    found = match_detections(pred, [0.9, 0.8, 0.7, 0.6], truth)
    assert found.truth.tolist() == [0, -1, 1, -1] and not found.ignored.any()
    lenient = match_detections(pred, [0.9, 0.8, 0.7, 0.6], truth, duplicates="ignored")
    assert lenient.ignored.tolist() == [False, True, False, False]
    assert match_detections(pred, [0.8, 0.9, 0.7, 0.6], truth).truth.tolist() == [-1, 0, 1, -1]
    skipped = match_detections(pred, [0.9, 0.8, 0.7, 0.6], truth, ignore=[True, False])
    assert skipped.truth.tolist() == [0, -1, 1, -1] and skipped.ignored.tolist() == [
        True,
        False,
        False,
        False,
    ]
    crowd = match_detections(pred, [0.9, 0.8, 0.7, 0.6], truth, crowd=[True, False])
    assert crowd.truth.tolist() == [0, 0, 1, -1] and crowd.ignored.tolist() == [True, True, False, False]


def test_centre_rules_in_three_dimensions() -> None:
    truth = [[0, 0, 0, 4, 10, 10], [0, 0, 20, 4, 10, 30]]
    points = [[2, 5, 5], [1, 5, 21], [3, 5, 24], [2, 5, 35]]
    inside = match_detections(points, [4, 3, 2, 1], truth, rule="centre-in-box")
    assert inside.truth.tolist() == [0, 1, -1, -1]
    near = match_detections(points, [4, 3, 2, 1], truth, rule="centre-distance", threshold=2)
    assert near.truth.tolist() == [0, -1, 1, -1]
    # 5 mm between slices: one slice off is too far.
    thick = match_detections(
        points, [4, 3, 2, 1], truth, rule="centre-distance", threshold=[2, 12], spacing=(5, 1, 1)
    )
    assert thick.truth.tolist() == [0, 1, -1, -1]
    boxes = [[1, 4, 4, 3, 6, 6]]
    assert match_detections(boxes, [1], truth, rule="centre-in-box").truth.tolist() == [0]
    for rule in ("iou", "centre-in-box", "centre-distance"):
        assert match_detections([], [], truth, rule=rule).truth.shape == (0,)
        assert match_detections(boxes, [1], [], rule=rule).truth.tolist() == [-1]


def test_bad_matching_arguments() -> None:
    box = [[0, 0, 1, 1]]
    for arguments, options, message in (
        (([[0, 0, 1, 1]] * 2, [1], box), {}, "score has 1"),
        ((box, [np.nan], box), {}, "score"),
        ((box, [1], box), {"rule": "overlap"}, "rule is 'overlap'"),
        ((box, [1], box), {"threshold": 0.0}, "threshold"),
        ((box, [1], box), {"rule": "centre-distance", "threshold": [1, 2]}, "threshold"),
        ((box, [1], box), {"rule": "centre-distance", "threshold": 1, "spacing": (1, 1, 1)}, "spacing"),
        ((box, [1], box), {"ignore": [True, False]}, "ignore"),
    ):
        with pytest.raises(ValueError, match=message):
            match_detections(*arguments, **options)


def _coco(pred: Entries, truth: Entries, images: list[int] | None = None) -> list[float]:
    """pycocotools' twelve figures; ``images`` may repeat an image."""
    coco = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    chosen = list(range(len(truth))) if images is None else images
    annotations, results = [], []
    for number, i in enumerate(chosen, 1):
        entry = truth[i]
        n = len(entry["boxes"])
        for k in range(n):
            x1, y1, x2, y2 = map(float, entry["boxes"][k])
            area = entry["area"][k] if "area" in entry else (x2 - x1) * (y2 - y1)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": int(entry["labels"][k]),
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": float(area),
                    "iscrowd": int(entry.get("iscrowd", np.zeros(n))[k]),
                }
            )
        for box, score, label in zip(pred[i]["boxes"], pred[i]["scores"], pred[i]["labels"], strict=True):
            x1, y1, x2, y2 = map(float, box)
            results.append(
                {
                    "image_id": number,
                    "category_id": int(label),
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "score": float(score),
                }
            )
    classes = sorted({a["category_id"] for a in annotations})
    with contextlib.redirect_stdout(io.StringIO()):
        gt = coco.COCO()
        gt.dataset = {
            "images": [{"id": k + 1} for k in range(len(chosen))],
            "annotations": annotations,
            "categories": [{"id": c} for c in classes],
        }
        gt.createIndex()
        known = [r for r in results if r["category_id"] in classes]
        run = evaluation.COCOeval(gt, gt.loadRes(known) if known else coco.COCO(), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return [float(x) for x in run.stats]


def _ours(pred: Entries, truth: Entries) -> list[float]:
    return [-1.0 if v is None else v for v in coco_summary(pred, truth).values()]


def _random_set(seed: int, images: int = 6, crowds: bool = True) -> tuple[Entries, Entries]:
    """Boxes of all COCO sizes on whole pixels, scores with ties, duplicates, misses and false boxes."""
    generator = np.random.default_rng(seed)
    pred, truth = [], []
    for _ in range(images):
        n = int(generator.integers(0, 6))
        corner, size = generator.integers(0, 150, (n, 2)), generator.integers(4, 130, (n, 2))
        boxes = np.hstack([corner, corner + size])
        labels = generator.integers(1, 4, n)
        truth.append({"boxes": boxes, "labels": labels})
        if crowds:
            truth[-1]["iscrowd"] = generator.random(n) < 0.15
        copies = np.repeat(np.arange(n), generator.integers(0, 3, n))
        moved = boxes[copies] + generator.integers(-3, 4, (len(copies), 4))
        moved = np.hstack([moved[:, :2], np.maximum(moved[:, 2:], moved[:, :2] + 1)])
        stray = generator.integers(0, 100, (int(generator.integers(0, 4)), 2))
        all_boxes = np.vstack([moved, np.hstack([stray, stray + 20])])
        pred.append(
            {
                "boxes": all_boxes,
                "scores": generator.integers(1, 20, len(all_boxes)) / 20,
                "labels": np.concatenate([labels[copies], generator.integers(1, 4, len(stray))]),
            }
        )
    return pred, truth


@pytest.mark.parametrize("seed", range(12))
def test_coco_figures_equal_pycocotools(seed: int) -> None:
    pred, truth = _random_set(seed)
    if seed == 0:
        truth[0]["area"] = np.full(len(truth[0]["boxes"]), 500.0)
    if not any(len(t["boxes"]) for t in truth) or not any(len(p["boxes"]) for p in pred):
        return
    assert _ours(pred, truth) == pytest.approx(_coco(pred, truth), abs=1e-12)


def test_more_than_a_hundred_detections() -> None:
    pred, truth = _random_set(1, images=2)
    generator = np.random.default_rng(0)
    corner = generator.integers(0, 100, (230, 2))
    pred[0] = {
        "boxes": np.vstack([np.hstack([corner, corner + 30]), truth[0]["boxes"]]),
        "scores": generator.random(230 + len(truth[0]["boxes"])),
        "labels": np.concatenate([np.ones(230, dtype=int), truth[0]["labels"]]),
    }
    assert _ours(pred, truth) == pytest.approx(_coco(pred, truth), abs=1e-12)


@pytest.fixture(scope="module")
def blood(data_dir) -> tuple[Entries, Entries]:
    """Real boxes of blood cells, and detections made of them: moved, doubled, lost, invented."""
    folder = data_dir / "bccd_blood_detection"
    names = (folder / "ImageSets" / "Main" / "val.txt").read_text().split()
    generator = np.random.default_rng(0)
    pred, truth = [], []
    for name in names:
        objects = ElementTree.parse(folder / "Annotations" / f"{name}.xml").getroot().findall("object")
        boxes = np.array(
            [[float(o.findtext(f"bndbox/{k}")) for k in ("xmin", "ymin", "xmax", "ymax")] for o in objects]
        ).reshape(-1, 4)
        labels = np.array([["RBC", "WBC", "Platelets"].index(str(o.findtext("name"))) + 1 for o in objects])
        truth.append({"boxes": boxes, "labels": labels})
        copies = np.repeat(np.arange(len(boxes)), generator.choice(3, len(boxes), p=[0.1, 0.8, 0.1]))
        shift = np.tile(generator.normal(0, 8, (len(copies), 2)), 2) + generator.normal(
            0, 3, (len(copies), 4)
        )
        moved = boxes[copies] + np.round(shift)
        moved = np.hstack([moved[:, :2], np.maximum(moved[:, 2:], moved[:, :2] + 2)])
        stray = generator.integers(0, 400, (3, 2)).astype(float)
        pred.append(
            {
                "boxes": np.vstack([moved, np.hstack([stray, stray + 80])]),
                "scores": np.round(generator.beta(4, 2, len(copies) + 3), 2),
                "labels": np.concatenate([labels[copies], generator.integers(1, 4, 3)]),
            }
        )
    return pred, truth


def test_blood_cells_equal_pycocotools(blood: tuple[Entries, Entries]) -> None:
    pred, truth = blood
    expected = _coco(pred, truth)
    assert 0.2 < expected[0] < 0.9
    assert _ours(pred, truth) == pytest.approx(expected, abs=1e-12)
    found = mean_average_precision(pred, truth, resamples=200)
    assert found.map.estimate == pytest.approx(expected[0], abs=1e-12)
    assert found.by_threshold[0.5].estimate == pytest.approx(expected[1], abs=1e-12)
    assert found.by_threshold[0.75].estimate == pytest.approx(expected[2], abs=1e-12)
    assert found.recall.estimate == pytest.approx(expected[8], abs=1e-12)
    assert np.mean([c.estimate for c in found.by_class.values()]) == pytest.approx(expected[0])
    assert found.map.low < found.map.estimate < found.map.high and found.map.n == len(truth)
    for area, place in (("small", 3), ("medium", 4), ("large", 5)):
        got = mean_average_precision(pred, truth, area=area, resamples=20).map.estimate
        assert got == pytest.approx(expected[place], abs=1e-12)


def test_a_resample_equals_pycocotools_on_the_drawn_images(blood: tuple[Entries, Entries]) -> None:
    """Weights in place of a new matching change nothing, when no two scores are equal."""
    from overread.stats.detection.average_precision import COCO_THRESHOLDS
    from overread.stats.detection.images import checked_images
    from overread.stats.detection.ranked import rank_class, weighted_precision

    pred, truth = (entries[:30] for entries in blood)
    generator = np.random.default_rng(5)
    pred = [{**p, "scores": generator.random(len(p["scores"]))} for p in pred]
    drawn = sorted(generator.integers(0, 30, 30).tolist())
    weights = np.bincount(drawn, minlength=30)[None].astype(float)
    images = checked_images(pred, truth)
    parts = [weighted_precision(rank_class(images, c, COCO_THRESHOLDS, 100), weights) for c in (1, 2, 3)]
    expected = _coco(pred, truth, drawn)
    assert np.mean([p[0] for p in parts]) == pytest.approx(expected[0], abs=1e-12)
    assert np.mean([p[1] for p in parts]) == pytest.approx(expected[8], abs=1e-12)


def _by_definition(tp: NDArray, truths: int, interpolation: str) -> float:
    """Average precision straight from its definitions."""
    recall = np.cumsum(tp) / truths
    precision = np.cumsum(tp) / np.arange(1, len(tp) + 1)
    if interpolation == "all-points":
        best = [precision[k:].max() for k in range(len(tp))]
        return float(np.sum(np.diff(recall, prepend=0) * best))
    levels = np.linspace(0, 1, 11 if interpolation == "11-point" else 101)
    return float(np.mean([precision[recall >= level].max(initial=0) for level in levels]))


@settings(max_examples=50)
@given(
    st.lists(st.booleans(), min_size=1, max_size=30),
    st.integers(0, 70),
    st.sampled_from(["101-point", "11-point", "all-points"]),
)
def test_interpolations_agree_with_their_definitions(
    right: list[bool], missed: int, interpolation: Any
) -> None:
    truths = sum(right) + missed
    if truths == 0:
        return
    boxes = [[100.0 * k, 0, 100 * k + 10, 10] for k in range(truths)]
    order = iter(range(truths))
    found = [boxes[next(order)] if hit else [0, 500, 10, 510] for hit in right]
    pred = [{"boxes": found, "scores": np.linspace(1, 0.5, len(right))}]
    ap = average_precision(pred, [{"boxes": boxes}], interpolation=interpolation)
    assert ap.estimate == pytest.approx(_by_definition(np.array(right), truths, interpolation))
    assert (ap.low, ap.high, ap.n) == (0, 1, 1)


def test_average_precision_in_three_dimensions() -> None:
    truth = [{"boxes": [[0, 0, 0, 4, 4, 4]]}, {"boxes": [[2, 2, 2, 8, 8, 8]]}, {"boxes": np.zeros((0, 6))}]
    pred = [
        {"boxes": [[0, 0, 0, 4, 4, 4]], "scores": [0.9]},
        {"boxes": [[2, 2, 2, 8, 8, 5]], "scores": [0.8]},
        {"boxes": [[0, 0, 0, 1, 1, 1]], "scores": [0.85]},
    ]
    assert average_precision(pred, truth, interpolation="all-points").estimate == pytest.approx(1 / 2 + 1 / 3)
    assert average_precision(
        pred, truth, iou_threshold=0.6, interpolation="all-points"
    ).estimate == pytest.approx(0.5)
    found = mean_average_precision(pred, truth, cluster=["a", "a", "b"], resamples=100)
    assert found.map.n == 2 and found.map.method == "bootstrap of clusters, logit scale"


def test_nothing_to_find_and_nothing_found() -> None:
    none, box = {"boxes": [], "scores": []}, {"boxes": [[0, 0, 1, 1]]}
    assert mean_average_precision([none, none], [box, box], resamples=50).map.estimate == 0
    with pytest.raises(ValueError, match="no object"):
        mean_average_precision([none], [{"boxes": []}])
    with pytest.raises(ValueError, match="no object of label 7"):
        average_precision([none], [box], label=7)
    with pytest.raises(ValueError, match="1 images, truth 2"):
        average_precision([none], [box, box])
    with pytest.raises(ValueError, match="'scores'"):
        average_precision([{"boxes": []}], [box])
    with pytest.raises(ValueError, match="iscrowds"):
        average_precision([none], [{**box, "iscrowds": [0]}])
    with pytest.raises(ValueError, match="labels for 1 boxes"):
        average_precision([none], [{**box, "labels": [1, 2]}])
    for labels, message in ((["nodule"], "not numbers"), ([1.5], "not whole")):
        with pytest.raises(ValueError, match=message):
            average_precision([none], [{**box, "labels": labels}])
    for bad in ({"interpolation": "10-point"}, {"max_detections": 0}, {"iou_threshold": 1.5}):
        with pytest.raises(ValueError, match="expected"):
            average_precision([none], [box], **bad)
    with pytest.raises(ValueError, match="area is 'tiny'"):
        mean_average_precision([none], [box], area="tiny")


def test_intervals_of_average_precision_cover() -> None:
    """Limits over 30 images: 95% within the simulation error (1.3%) of 300 repetitions."""
    generator = np.random.default_rng(3)
    boxes = np.array([[20.0 * k, 0, 20 * k + 10, 10] for k in range(3)])

    def images(n: int) -> tuple[Entries, Entries]:
        pred = []
        for _ in range(n):
            hit, stray = generator.random(3) < 0.7, generator.integers(0, 3)
            found = np.vstack([boxes[hit], np.tile([0.0, 50, 10, 60], (stray, 1))])
            scores = np.concatenate([generator.normal(1, 1, hit.sum()), generator.normal(0, 1, stray)])
            pred.append({"boxes": found, "scores": scores})
        return pred, [{"boxes": boxes}] * n

    true = average_precision(*images(4000), resamples=2).estimate
    found = [average_precision(*images(30), resamples=200) for _ in range(300)]
    assert 0.92 <= np.mean([ap.low <= true <= ap.high for ap in found]) <= 0.98
    assert all(0 < ap.low < ap.estimate < ap.high < 1 for ap in found)


def test_intervals_where_no_resample_differs() -> None:
    """All right, or nothing found, in ten images: limits that say so, not a point."""
    truth = [{"boxes": [[0, 0, 10, 10]]}] * 10
    right = average_precision([{"boxes": [[0, 0, 10, 10]], "scores": [0.5]}] * 10, truth)
    none = average_precision([{"boxes": [], "scores": []}] * 10, truth)
    assert (right.estimate, right.high) == (1, 1) and right.low == pytest.approx(0.7225, abs=1e-4)
    assert (none.estimate, none.low) == (0, 0) and none.high == pytest.approx(0.2775, abs=1e-4)
    with pytest.raises(ValueError, match="method is 'bca'"):
        average_precision([{"boxes": [], "scores": []}] * 10, truth, method="bca")  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["logit", "percentile", "basic"])
def test_interval_methods(method: Any) -> None:
    pred, truth = _random_set(3, images=20)
    found = average_precision(pred, truth, label=1, method=method, resamples=300)
    assert found.low < found.estimate < found.high and found.n == 20
