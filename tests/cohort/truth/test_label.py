"""The class of a case."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from overread.cohort.case import Case
from overread.cohort.truth import label
from overread.cohort.truth.protocol import Shown
from overread.errors import InputError
from overread.imaging.image import Image

IMAGE = Image(np.zeros((1, 4, 4)), np.eye(4))


def _case(name: str | None) -> Case:
    return Case("a", "a", {"image": Path("x.png")}, name)


def test_grades_are_inferred_in_their_order() -> None:
    names = ["grade 10", "grade 9", "10", "2", "normal", "Grade 1", "grade 9"]
    found = label.infer([*map(_case, names), _case(None)])
    assert found == ["2", "10", "Grade 1", "grade 9", "grade 10", "normal"]


def test_index_and_unknown_names() -> None:
    assert label.read(_case("yes"), IMAGE, ["no", "yes"]) == 1
    for name in ("perhaps", None):
        with pytest.raises(InputError, match=r"case a: label .* is not one of no, yes"):
            label.read(_case(name), IMAGE, ["no", "yes"])


def test_a_name_outside_the_labels_is_neither() -> None:
    assert label.presence(_case("perhaps"), Shown(), ["no", "yes"]) == {"no": False, "yes": False}
    (found,) = label.faults([(_case("perhaps"), Shown()), (_case("no"), Shown())], ["no", "yes"])
    assert found.code == "label.unknown" and "'perhaps', expected one of no, yes" in found.message
