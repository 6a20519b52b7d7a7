"""Answers in words: what a list, a page and the command line show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from overread.imaging.boxes import Boxes
from overread.runtime.answer import Answer, Classes, Findings, LabelMap, Measurement, Objects
from overread.runtime.answer_text import Line, headline, lines, one_line

CLASSES = Classes(
    {"normal": 0.021, "abnormal": 0.979},
    "abnormal",
    {"abnormal": (0.6, 0.95)},
    ("abnormal",),
    0.9,
)
FINDINGS = Findings({"effusion": 0.8, "edema": 0.3}, {"effusion": 0.5, "edema": 0.5}, ("effusion",))
MASK = LabelMap(
    np.zeros((2, 2), np.uint8),
    (
        Measurement("lesion", "volume", 2.60304, 2.0624, 3.2788, "ml"),
        Measurement("lesion", "count", 2, 0.0, 4.0, "1", 0.85),
        Measurement("edema", "area", 1234567.0, None, None, "{pixels}"),
        Measurement("cyst", "volume", 0.0, None, None, "ml"),
    ),
)
IN_3D = Objects(
    Boxes.of(
        [[1, 2, 3], [4, 5, 6], [0, 0, 0]],
        [[3, 5, 9], [8, 9, 9], [1, 1, 1]],
        [0, 1, 0],
        [0.93, 0.5, 0.1],
        axes=3,
    ),
    ("nodule", "mass"),
    world=np.array([[0, 0, 0, 4, 3, 12.5], [0, 0, 0, 1, 2, 3], [0, 0, 0, 1, 1, 1.0]]),
    measurements=(
        Measurement("nodule", "count", 2, 1, 4, "1"),
        Measurement("mass", "count", 1, None, None, "1"),
    ),
)
IN_2D = Objects(Boxes.of([[1, 2]], [[3.5, 5]], [0], [0.5], axes=2), ("nodule",))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (CLASSES, "abnormal"),
        (FINDINGS, "effusion present"),
        (Findings({"a": 0.9, "b": 0.8}, {"a": 0.5, "b": 0.5}, ("a", "b")), "a, b present"),
        (Findings({"a": 0.1}, {"a": 0.5}, ()), "No finding present"),
        (Findings({"a": 0.9}, {}, ()), "Not decided"),
        (Findings({"a": 0.1, "b": 0.9}, {"a": 0.5}, ()), "No decided finding present"),
        (MASK, "lesion, edema found"),
        (
            LabelMap(np.zeros((1, 1), np.uint8), (Measurement("a", "volume", 0, None, None, "ml"),)),
            "Nothing found",
        ),
        (replace(IN_3D, thresholds={"nodule": 0.2, "mass": 0.2}), "2 nodule, 1 mass found"),
        # Without a threshold all candidates are boxed, and nobody has decided: the report says Undetermined.
        (IN_3D, "Not decided: 2 nodule, 1 mass"),
        (replace(IN_3D, thresholds={"nodule": 0.2}), "2 nodule found; not decided: 1 mass"),
        (Objects(Boxes.of([], [], [], axes=2), ("a",)), "Nothing found"),
    ],
)
def test_headline(answer: Answer, expected: str) -> None:
    assert headline(answer) == expected


def test_lines_of_classes() -> None:
    assert lines(CLASSES) == (
        Line("Probability of normal", "0.02"),
        Line("Probability of abnormal", "0.98"),
        Line(
            "Tuning cases with such a score that had abnormal",
            "60% to 95%, so the score 0.98 is too high there",
        ),
        Line("90% prediction set", "abnormal"),
    )
    # An empty set says that the case is unlike the tuning cases; no set says nothing.
    assert lines(Classes({"a": 1.0}, "a", set_coverage=0.9))[-1] == Line(
        "90% prediction set", "none of the classes"
    )
    assert len(lines(Classes({"a": 1.0}, "a"))) == 1


def test_limits_that_hold_the_score_are_named_for_what_they_are() -> None:
    answer = Classes(
        {"a": 0.1, "b": 0.9}, "b", {"b": (0.72, 0.91)}, reasons={"a": "5 tuning cases are too few"}
    )
    assert lines(answer)[2:] == (
        Line("Tuning cases with such a score that had b", "72% to 91%"),
        Line("Tuning cases with such a score that had a", "not known: 5 tuning cases are too few"),
    )
    findings = Findings({"a": 0.1, "b": 0.9}, {}, (), reasons={"a": "too few", "b": "too few"})
    assert lines(findings)[2:] == (
        Line("Tuning cases with such a score that had a or b", "not known: too few"),
    )


def test_an_interval_that_leaves_out_its_estimate_says_why() -> None:
    answer = LabelMap(
        np.zeros((1, 1), np.uint8),
        (
            Measurement("cyst", "volume", 2, 3, 4, "ml"),
            Measurement("cyst", "count", 9, 3, 4, "1"),
            Measurement("vessel", "volume", 2, None, None, "ml", reason="5 tuning patients, 9 are needed"),
        ),
    )
    assert [line.interval for line in lines(answer)] == [
        "90% interval 3 to 4 ml, as tuning cases in which so much was found had more",
        "90% interval 3 to 4, as tuning cases in which so much was found had less",
        "no interval: 5 tuning patients, 9 are needed",
    ]


def test_lines_of_measurements_have_unit_and_interval() -> None:
    assert lines(MASK) == (
        Line("lesion volume", "2.6 ml", "90% interval 2.06 to 3.28 ml"),
        Line("lesion count", "2", "85% interval 0 to 4"),
        Line("edema area", "1234567 pixels"),
        Line("cyst volume", "0 ml"),
    )


def test_lines_of_objects_number_each_label() -> None:
    assert lines(IN_3D) == (
        Line("nodule count", "2", "90% interval 1 to 4"),
        Line("mass count", "1"),
        Line("nodule 1", "score 0.93, 4 x 3 x 12.5 mm"),
        Line("mass 1", "score 0.50, 1 x 2 x 3 mm"),
        Line("nodule 2", "score 0.10, 1 x 1 x 1 mm"),
    )
    assert lines(IN_2D) == (Line("nodule 1", "score 0.50, 2.5 x 3 pixels"),)


def test_one_line() -> None:
    assert (
        one_line(FINDINGS)
        == "effusion present: Probability of effusion 0.80, present; Probability of edema 0.30, absent"
    )
    assert one_line(CLASSES).startswith(
        "abnormal: Probability of normal 0.02; Probability of abnormal 0.98; "
    )
    assert one_line(LabelMap(np.zeros((1, 1), np.uint8))) == "Nothing found"
