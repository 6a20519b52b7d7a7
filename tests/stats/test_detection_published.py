"""Worked examples that others have published."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from overread.stats.detection import average_precision, box_iou, convert_boxes, mean_average_precision

# Padilla, Netto and da Silva (IWSSIP 2020): 7 images, 15 objects, 24 detections; x, y, width, height.
TRUTH = [
    "25 16 38 56, 129 123 41 62",
    "123 11 43 55, 38 132 59 45",
    "16 14 35 48, 123 30 49 44, 99 139 47 47",
    "53 42 40 52, 154 43 31 34",
    "59 31 44 51, 48 128 34 52",
    "36 89 52 76, 62 58 44 67",
    "28 31 55 63, 58 67 50 58",
]
FOUND = [
    ".88 5 67 31 48, .70 119 111 40 67, .80 124 9 49 67",
    ".71 64 111 64 58, .54 26 140 60 47, .74 19 18 43 35",
    ".18 109 15 77 39, .67 86 63 46 45, .38 160 62 36 53, .91 105 131 47 47, .44 18 148 40 44",
    ".35 83 28 28 26, .78 28 68 42 67, .45 87 89 25 39, .14 10 155 60 26",
    ".62 50 38 28 46, .44 95 11 53 28, .95 29 131 72 29, .23 29 163 72 29",
    ".45 43 48 74 38, .84 17 155 29 35, .43 95 110 25 42",
    ".48 16 20 101 88, .95 33 116 37 49",
]


def _numbers(text: str) -> Any:
    return np.array([[float(v) for v in row.split()] for row in text.split(",")])


def _pixels(boxes: Any) -> Any:
    """The example counts the pixels of both corners, the second being x + width."""
    return convert_boxes(convert_boxes(boxes, source="corner-size"), source="pixel-corners")


@pytest.mark.parametrize(("interpolation", "expected"), [("11-point", 0.2684), ("all-points", 0.2457)])
def test_average_precision_of_padilla(interpolation: Any, expected: float) -> None:
    truth = [{"boxes": _pixels(_numbers(t))} for t in TRUTH]
    pred = [{"boxes": _pixels(_numbers(d)[:, 1:]), "scores": _numbers(d)[:, 0]} for d in FOUND]
    ap = average_precision(
        pred, truth, iou_threshold=0.3, interpolation=interpolation, matching="voc", resamples=50
    )
    assert ap.estimate == pytest.approx(expected, abs=5e-5)
    found = mean_average_precision(
        pred, truth, iou_thresholds=[0.3], interpolation=interpolation, matching="voc", resamples=50
    )
    assert found.map.estimate == ap.estimate


def test_voc_does_not_look_for_the_next_best_object() -> None:
    truth = [{"boxes": [[0, 0, 10, 10], [4, 0, 14, 10]]}]
    pred = [{"boxes": [[0, 0, 10, 10], [1, 0, 11, 10]], "scores": [0.9, 0.8]}]
    for matching, expected in (("coco", 1.0), ("voc", 0.5)):
        ap = average_precision(pred, truth, interpolation="all-points", matching=matching)  # type: ignore[arg-type]
        assert ap.estimate == expected
    with pytest.raises(ValueError, match="'coco' or 'voc'"):
        average_precision(pred, truth, matching="pascal")  # type: ignore[arg-type]


def test_overlap_of_metrics_reloaded() -> None:
    """Figure 6a of Reinke et al. (Nat Methods 2024;21:182), in the tests of Metrics Reloaded."""
    pred = [[2, 3, 6, 6], [2, 15, 4, 17], [13, 13, 15, 17], [16, 7, 19, 10], [12, 2, 15, 4]]
    truth = [[3, 2, 7, 5], [7, 9, 8, 11], [1, 16, 3, 18], [14, 14, 16, 18]]
    overlap = box_iou(
        convert_boxes(pred, source="pixel-corners"), convert_boxes(truth, source="pixel-corners")
    )
    expected = np.zeros((5, 4))
    expected[0, 0], expected[1, 2], expected[2, 3] = 0.42857143, 0.28571429, 0.36363636
    np.testing.assert_allclose(overlap, expected, atol=1e-8)


def test_pixel_corners_there_and_back() -> None:
    pixels = [[1, 2, 3, 5]]
    assert convert_boxes(pixels, source="pixel-corners").tolist() == [[1, 2, 4, 6]]
    for name in ("corners", "corner-size", "centre-size", "pixel-corners"):
        there = convert_boxes(pixels, source="pixel-corners", target=name)  # type: ignore[arg-type]
        assert convert_boxes(there, source=name, target="pixel-corners").tolist() == pixels  # type: ignore[arg-type]
    assert convert_boxes(pixels, source="pixel-corners", target="corner-size").tolist() == [[1, 2, 3, 4]]
