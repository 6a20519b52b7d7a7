"""Results on the disk, also those of an earlier version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.clinic import format_1

from overread.clinic.kept import RESULT, KeptResult, read_result, write_result
from overread.clinic.results.failure import Failure
from overread.imaging.boxes import Boxes
from overread.runtime.answer import Answer, Classes, Findings, LabelMap, Measurement, Objects
from overread.runtime.prediction import Breach, Outcome, Prediction

MASK = np.arange(24, dtype=np.uint8).reshape(2, 3, 4) % 3
VOLUME = Measurement("a", "volume", 1.5, None, 2.0, "ml")
ANSWERS: list[Answer | None] = [
    Classes({"a": 0.25, "b": 0.75}, "b", {"a": (0.1, 0.3)}, ("b",), 0.9, 0.5),
    Findings({"a": 0.1, "b": 0.9}, {"b": 0.5}, ("b",), {"b": (0.8, 0.95)}),
    LabelMap(MASK, (VOLUME,), 0.25),
    Objects(Boxes.of([[0, 1.25]], [[2, 3]], [0], [0.9], axes=2), ("a",), {"a": 0.5}),
    Objects(Boxes.of([], [], [], axes=3), ("a",), {"a": 0.5}),
    None,
]


def prediction(answer: Answer | None) -> Prediction:
    outcome = Outcome.OUT_OF_LIMITS if answer is None else Outcome.OK
    breaches = (Breach("SIZE", "1", "2"),) if answer is None else ()
    return Prediction(outcome, "t", "p", "1", "a" * 64, answer, breaches, {"size": [2, 3]}, ("note",), 1.5)


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda a: type(a).__name__)
def test_what_is_kept_comes_back(tmp_path: Path, answer: Answer | None) -> None:
    kept = KeptResult(prediction(answer), ("1", "2"), ("1",))
    write_result(tmp_path, kept)
    back = read_result(tmp_path)
    assert str(back) == str(kept)
    assert (tmp_path / "arrays.npz").exists() == isinstance(answer, LabelMap)


def test_failure_comes_back(tmp_path: Path) -> None:
    kept = KeptResult(Failure("CODE", "why"), ("1",), ())
    write_result(tmp_path, kept)
    assert read_result(tmp_path) == kept


def test_nothing_kept(tmp_path: Path) -> None:
    assert read_result(tmp_path) is None
    assert read_result(tmp_path / "absent") is None


def answer_of(folder: Path) -> Any:
    kept = read_result(folder)
    assert kept is not None
    assert isinstance(kept.content, Prediction)
    assert kept.used == kept.first == ("1.2", "1.3")
    return kept.content.answer


def test_classes_of_format_1(tmp_path: Path) -> None:
    format_1.write(tmp_path, format_1.CLASSIFIED, ["1.2", "1.3"])
    answer = answer_of(tmp_path)
    assert isinstance(answer, Classes)
    assert (answer.decided, answer.label_set, answer.set_coverage) == ("bright", ("bright",), 0.9)
    assert answer.scores == format_1.CLASSIFIED["scores"]
    assert answer.intervals == {"bright": (0.7, 0.95)}
    assert answer.entropy == format_1.CLASSIFIED["uncertainty"]["entropy"]


def test_undecided_class_of_format_1_is_the_likeliest(tmp_path: Path) -> None:
    format_1.write(tmp_path, format_1.CLASSIFIED | {"label": None}, ["1.2", "1.3"])
    assert answer_of(tmp_path).decided == "bright"


def test_mask_of_format_1(tmp_path: Path) -> None:
    format_1.write(tmp_path, format_1.SEGMENTED, ["1.2", "1.3"], MASK)
    answer = answer_of(tmp_path)
    assert isinstance(answer, LabelMap)
    assert np.array_equal(answer.mask, MASK)
    assert answer.measurements[0] == Measurement("lesion", "volume", 0.216, 0.1, 0.3, "ml")
    assert answer.entropy_in_mask > 0


def test_refusal_and_failure_of_format_1(tmp_path: Path) -> None:
    format_1.write(tmp_path, format_1.REFUSED, ["1.2"])
    kept = read_result(tmp_path)
    assert kept is not None
    assert isinstance(kept.content, Prediction)
    assert (kept.content.outcome, kept.content.answer) == (Outcome.OUT_OF_LIMITS, None)
    assert kept.content.breaches == (Breach("DIMENSIONS", "2 spatial axes", "3 spatial axes"),)
    failure = {"kind": "failure", "content": {"code": "C", "text": "t"}, "used": ["1"], "first": []}
    (tmp_path / RESULT).write_text(json.dumps(failure))
    assert read_result(tmp_path) == KeptResult(Failure("C", "t"), ("1",), ())


@pytest.mark.parametrize("damage", ["mask", "key", "measurement", "kind", "text"])
def test_damaged_result_is_as_none(tmp_path: Path, damage: str) -> None:
    content = dict(format_1.SEGMENTED)
    if damage == "key":
        del content["quality"]
    if damage == "measurement":
        content["measurements"] = [{"label": "a"}]
    format_1.write(tmp_path, content, ["1"], None if damage == "mask" else MASK)
    if damage == "kind":
        write_result(tmp_path, KeptResult(prediction(ANSWERS[0]), ("1",), ("1",)))
        text = (tmp_path / RESULT).read_text()
        (tmp_path / RESULT).write_text(text.replace('"classes"', '"volumes"'))
    if damage == "text":
        (tmp_path / RESULT).write_bytes(b"\xff\xfe\x00")
    assert read_result(tmp_path) is None
