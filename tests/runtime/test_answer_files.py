"""Every kind of answer comes back from its files as it was, to the last digit."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.errors import InputError
from overread.imaging.boxes import Boxes
from overread.runtime.answer import Answer, Classes, Findings, LabelMap, Measurement, Objects
from overread.runtime.answer_files import from_files, kind_of, to_files

share = st.floats(0, 1)
number = st.floats(-1e9, 1e9)
name = st.text(min_size=1, max_size=6)
by_name = st.dictionaries(name, share, max_size=4)
intervals = st.dictionaries(name, st.tuples(share, share), max_size=3)
names = st.lists(name, max_size=3).map(tuple)
measurements = st.lists(
    st.builds(
        Measurement,
        name,
        name,
        number,
        st.none() | number,
        st.none() | number,
        st.sampled_from(["ml", "1"]),
        share,
    ),
    max_size=3,
).map(tuple)


@st.composite
def boxes(draw: st.DrawFn, axes: int) -> Boxes:
    n = draw(st.integers(0, 4))
    corners = draw(st.lists(st.lists(number, min_size=2 * axes, max_size=2 * axes), min_size=n, max_size=n))
    array = np.array(corners, np.float64).reshape(n, 2 * axes)
    labels = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    scores = draw(st.lists(share, min_size=n, max_size=n))
    return Boxes.of(array[:, :axes], array[:, axes:], labels, scores, axes=axes)


@st.composite
def objects(draw: st.DrawFn) -> Objects:
    axes = draw(st.sampled_from([2, 3]))
    found = draw(boxes(axes))
    world = np.hstack([found.low, found.high]) if axes == 3 else np.zeros((0, 6))
    candidates = draw(st.none() | boxes(axes))
    return Objects(found, draw(names), draw(by_name), world, draw(measurements), candidates)


masks = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(0, 255)).map(
    lambda t: np.full(t[:2], t[2], np.uint8)
)
answers = st.one_of(
    st.builds(Classes, by_name, name, intervals, names, st.none() | share, share, by_name),
    st.builds(Findings, by_name, by_name, names, intervals, by_name),
    st.builds(LabelMap, masks, measurements, share),
    objects(),
)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, Answer | Boxes):
        return type(a) is type(b) and all(same(x, vars(b)[k]) for k, x in vars(a).items())
    return type(a) is type(b) and a == b


@given(answers)
def test_there_and_back(answer: Answer) -> None:
    plain, arrays = to_files(answer)
    text = json.dumps(plain, allow_nan=False)
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    with np.load(file, allow_pickle=False) as stored:
        again = from_files(json.loads(text), dict(stored))
    assert same(answer, again)
    assert plain["kind"] == kind_of(answer)


def test_kinds_are_the_words_that_files_hold() -> None:
    empty = Boxes.of([], [], [], axes=2)
    made = [Classes({}, "a"), Findings({}, {}, ()), LabelMap(np.zeros((1, 1), np.uint8)), Objects(empty, ())]
    assert [to_files(a)[0]["kind"] for a in made] == ["classes", "findings", "label_map", "objects"]
    assert [sorted(to_files(a)[1]) for a in made] == [[], [], ["mask"], []]


@pytest.mark.parametrize(
    ("plain", "cause"),
    [
        ({"kind": "sounds"}, "kind 'sounds'"),
        ({}, "kind None"),
        ({"kind": "classes"}, "intervals"),
        ({"kind": "label_map", "measurements": [], "entropy_in_mask": 0}, "mask"),
        (
            {"kind": "findings", "intervals": {}, "present": [], "scores": {}, "thresholds": {}, "odd": 1},
            "odd",
        ),
        ({"kind": "objects", "candidates": None, "boxes": {"axes": 2}}, "low"),
        ({"kind": "classes", "intervals": {"a": [1]}}, "damaged"),
    ],
)
def test_what_is_no_answer_is_refused(plain: dict[str, Any], cause: str) -> None:
    with pytest.raises(InputError, match=cause):
        from_files(plain, {})
