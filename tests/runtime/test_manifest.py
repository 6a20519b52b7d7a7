"""A manifest whose parts disagree is refused with one line that says what was found and expected."""

from __future__ import annotations

from typing import Any

import pytest
from tests.runtime.models import manifest

from overread.errors import InputError
from overread.runtime.manifest import Manifest
from overread.settings import validated
from overread.task import TASKS, Task

POINT = {"rule": "youden", "threshold": 0.5}
SPREAD = {"low": 0.8, "high": 1.2, "coverage": 0.9, "cases": 20}
WINDOWS = {"size": [16, 16], "overlap": 0.5}
SEGMENTATION = {"task": "segmentation", "positive": None, "windows": WINDOWS}
FINDINGS = {"task": "multilabel", "positive": None, "labels": ["effusion"]}
OBJECTS = {"task": "detection", "positive": None, "labels": ["nodule"], "windows": WINDOWS}
SPEC = {"dimensions": 2, "color": "gray", "size": [8, 8], "intensity": [{"method": "fixed"}]}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"labels": ["a", "b", "c"], "positive": None},
        {"labels": ["a", "b", "c"], "positive": None, "operating_points": {"b": POINT}},
        {"operating_points": {"abnormal": POINT}},
        FINDINGS | {"operating_points": {"effusion": POINT}},
        FINDINGS | {"calibration": {"scales": {"effusion": {"slope": 0.7, "intercept": -0.1}}}},
        SEGMENTATION | {"counted_labels": ["abnormal"]},
        OBJECTS | {"calibration": {"count_difference": {"nodule": SPREAD}}, "decoding": {"overlap": 0.2}},
    ],
)
def test_sound_manifests(changes: dict[str, Any]) -> None:
    assert manifest(**changes).format == 2


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"task": "sorting"}, "task: found 'sorting', expected one of classification, ordinal"),
        ({"labels": ["one"], "positive": None}, "labels: found 1, a classification package names at least 2"),
        (FINDINGS | {"labels": []}, "labels: found 0, a multilabel package names at least 1"),
        ({"labels": ["a", "a"], "positive": None}, "labels: found 'a' more than once"),
        ({"labels": ["a", ""], "positive": None}, "labels: found one without a name"),
        ({"labels": ["a", "b", "c"], "positive": "b"}, "positive: found 'b' with 3 labels"),
        ({"positive": "odd"}, "positive: found 'odd', expected one of 'normal', 'abnormal'"),
        (
            FINDINGS | {"positive": "effusion"},
            "positive: found 'effusion'; only a choice between two classes",
        ),
        (SEGMENTATION | {"positive": "abnormal"}, "positive: found 'abnormal'; only a choice"),
        ({"operating_points": {"odd": POINT}}, "operating_points: found 'odd', expected some of 'normal'"),
        ({"operating_points": {"normal": POINT}}, "operating_points: found 'normal', expected the positive"),
        (
            {"operating_points": {"normal": POINT, "abnormal": POINT}},
            "operating_points: found 'normal', 'abnormal'; a choice between classes has at most one",
        ),
        (
            SEGMENTATION | {"operating_points": {"abnormal": POINT}},
            "operating_points: found 'abnormal'; a label map",
        ),
        (
            {"operating_points": {"abnormal": POINT | {"threshold": float("nan")}}},
            "operating_points.abnormal.threshold",
        ),
        (
            {"calibration": {"scales": {"normal": {"slope": 1, "intercept": 0}}}},
            "calibration.scales: found 'normal'",
        ),
        (FINDINGS | {"calibration": {"temperature": 2}}, "calibration.temperature: found 2.0; only classes"),
        ({"calibration": {"temperature": 0}}, "calibration.temperature"),
        (
            SEGMENTATION | {"calibration": {"volume_ratio": {"normal": SPREAD}}},
            "calibration.volume_ratio: found 'normal', expected some of 'abnormal'",
        ),
        (SEGMENTATION | {"counted_labels": ["odd"]}, "counted_labels: found 'odd'"),
        ({"windows": WINDOWS}, "windows: found size [16, 16]; a classification network sees the whole image"),
        (
            SEGMENTATION | {"windows": {"size": [16], "overlap": 0.5}},
            "windows.size: found 1 entries, expected one",
        ),
        (SEGMENTATION | {"windows": {"size": [16, 16], "overlap": 1}}, "windows.overlap"),
        (
            {"preprocess": SPEC | {"size": [8, 8, 8]}},
            "preprocess.size: found 3 entries, expected one for each of 2",
        ),
        ({"limits": {"size": [(1, 9)]}}, "limits.size: found 1 entries"),
        ({"preprocess": SPEC | {"color": "rgb"}}, "preprocess.intensity: found 1 entries, expected 3"),
        ({"decoding": {"overlap": float("inf")}}, "decoding.overlap"),
        ({"operating_point": POINT}, "operating_point: unknown key"),
        ({"format": 1}, "format"),
    ],
)
def test_a_fault_is_one_line(changes: dict[str, Any], line: str) -> None:
    content = manifest().model_dump(mode="json") | changes
    with pytest.raises(InputError) as caught:
        validated(Manifest, content, "package.json")
    assert str(caught.value).startswith(f"package.json: {line}") and "\n" not in str(caught.value)


def test_a_task_added_later_is_known_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TASKS, "grading", Task("label", "classes", ordered=True, fewest_labels=3))
    assert manifest(task="grading", labels=["1", "2", "3"], positive=None).task == "grading"
