"""Boxes files: what is written is read, faults are named by box, and check counts and places them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from overread.cohort.boxes import Box, outside, read_boxes
from overread.cohort.checks.run import check_cohort
from overread.cohort.cohort import Cohort
from overread.errors import InputError
from overread.imaging.image import Image

ROWS = [(s, label) for s in ("train", "val", "test") for label in ("no", "yes") for _ in range(5)]


def _file(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "b.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_boxes_are_read(tmp_path: Path) -> None:
    content = [
        {"label": "nodule", "box": [1, 2.5, 3, 4], "score": 0.7, "reader": "R1"},
        {"label": "mass", "box": [0, 0, 0, 1, 2, 3]},
    ]
    first, second = read_boxes(_file(tmp_path, content))
    assert first == Box("nodule", (1, 2.5, 3, 4), 0.7, {"reader": "R1"})
    assert second == Box("mass", (0, 0, 0, 1, 2, 3))
    assert read_boxes(_file(tmp_path, [])) == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is no JSON file of boxes"),
        ({"boxes": []}, "holds dict, expected a list"),
        ([{"box": [0, 0, 1, 1]}], "box 1: has no label"),
        ([7], "box 1: has no label"),
        (
            [{"label": "a", "box": [0, 0, 1, 1]}, {"label": "a", "box": [0, 0, 1]}],
            r"box 2: box is \[0, 0, 1\]",
        ),
        ('[{"label": "a", "box": [0, 0, NaN, 1]}]', "box 1: box is"),
        ([{"label": "a", "box": [5, 0, 1, 1]}], "the smaller numbers first"),
        ([{"label": "a", "box": [0, 0, 1, 1], "score": 3}], "score is 3, expected a number from 0 to 1"),
    ],
)
def test_faults_are_named(tmp_path: Path, content: object, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_boxes(_file(tmp_path, content))
    assert "b.json" in str(caught.value)


def test_boxes_beyond_the_image() -> None:
    picture = Image(np.zeros((1, 20, 30)), np.eye(4))
    assert outside(
        (Box("a", (0, 0, 30, 20)), Box("a", (0, 0, 30.5, 20)), Box("a", (0, 0, 20, 30))), picture
    ) == [3]
    affine = np.diag([-2.0, 1, 3, 1])
    affine[:3, 3] = [10, -5, 0]
    volume = Image(np.zeros((1, 5, 6, 7)), affine)
    assert outside((Box("a", (1, -5.5, -1.5, 11, 0.5, 19.5)), Box("a", (1, -9, 0, 11, 0, 19))), volume) == [2]
    with pytest.raises(InputError, match="box 1 has 4 numbers, expected 6"):
        outside((Box("a", (0, 0, 1, 1)),), volume)


def test_check_counts_boxes(pictures: Callable[..., Path]) -> None:
    files = [f"b{i}.json" for i in range(30)]
    folder = pictures(ROWS, boxes=files)
    for i, name in enumerate(files):
        (folder / name).write_text(json.dumps([{"label": "cell", "box": [0, 0, 4, 4]}] * (i % 3)))
    (folder / "b4.json").write_text('[{"label": "cell", "box": [0, 0, 4, 40]}]')
    (folder / "b5.json").write_text("no")
    report = check_cohort(Cohort.read(folder, need="boxes"), task="classification", labels=["no", "yes"])
    assert [(f.code, f.cases) for f in report.blocking] == [("boxes.unreadable", ("c5",))]
    assert [(f.code, f.cases) for f in report.warnings] == [("boxes.outside", ("c4",))]
    (counts,) = (f.message for f in report.findings if f.code == "boxes.count")
    assert "test: cell 11 in 10 cases" in counts
