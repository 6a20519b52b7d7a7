"""What the database keeps of a prediction: the words of every kind, and rows of an earlier version."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.clinic import format_1
from tests.clinic.test_kept import ANSWERS, prediction

from overread.clinic.shown import OUT_OF_LIMITS, from_row, shown
from overread.imaging.boxes import Boxes
from overread.runtime.answer import Objects


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda a: type(a).__name__)
def test_every_kind_is_json_with_words(answer: Any) -> None:
    made = shown(prediction(answer))
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert made["headline"]
    assert all(set(line) == {"name", "value", "interval"} for line in made["lines"])
    assert (made["outcome"], made["seconds"], made["notes"]) == (
        ("out_of_limits" if answer is None else "ok"),
        1.5,
        ["note"],
    )
    assert from_row(made) == made


def test_refusal_has_no_number() -> None:
    made = shown(prediction(None))
    assert (made["headline"], made["lines"], made["answer"]) == (OUT_OF_LIMITS, [], None)
    assert made["breaches"] == [{"code": "SIZE", "found": "1", "expected": "2"}]


def test_candidates_below_the_threshold_are_not_shown() -> None:
    some = Boxes.of([[0, 0]], [[1, 1]], [0], [0.1], axes=2)
    answer = Objects(some.where([]), ("a",), {"a": 0.5}, candidates=some)
    made = shown(prediction(answer))
    assert "candidates" not in made["answer"]
    assert made["headline"] == "Nothing found"


def test_rows_of_format_1() -> None:
    assert from_row({}) == {}
    made = from_row(format_1.SEGMENTED)
    assert (made["headline"], made["notes"], made["breaches"]) == ("lesion found", ["resampled"], [])
    assert made["lines"][0] == {
        "name": "lesion volume",
        "value": "0.216 ml",
        "interval": "90% interval 0.1 to 0.3 ml",
    }
    made = from_row(format_1.CLASSIFIED)
    assert made["headline"] == "bright"
    assert {"name": "90% prediction set", "value": "bright", "interval": ""} in made["lines"]
    assert from_row(format_1.REFUSED)["headline"] == OUT_OF_LIMITS


@pytest.mark.parametrize("lacking", ["outcome", "scores", "notes", "seconds"])
def test_row_that_cannot_be_read_shows_nothing(lacking: str) -> None:
    content = {k: v for k, v in format_1.SEGMENTED.items() if k != lacking}
    assert from_row(content) == {}
