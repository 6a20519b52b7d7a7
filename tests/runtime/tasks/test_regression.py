"""A number in its unit: back from the network's units, its interval by hand, never beyond the declared bounds."""

from __future__ import annotations

import numpy as np
import pytest
from tests.runtime.models import manifest

from overread.imaging.image import Image
from overread.runtime.answer import Value
from overread.runtime.answer_files import from_files, to_files
from overread.runtime.answer_text import headline, one_line
from overread.runtime.manifest import Calibration, Quantity, Spread
from overread.runtime.preprocess import prepare
from overread.runtime.tasks import regression

RESIDUALS = Calibration(value_residuals={"age": Spread(low=-2.0, high=1.5, coverage=0.88, cases=40)})


def _answer(z: list[float], **more) -> Value:
    values = {
        "labels": ["age"],
        "positive": None,
        "quantity": Quantity(unit="a", low=0, high=120),
        "decoding": {"centre": 50.0, "scale": 20.0},
    }
    m = manifest(task="regression", **(values | more))
    image = Image(np.zeros((1, 8, 8), np.float32), np.eye(4))
    return regression.answer({"logits": np.array(z, np.float32)}, prepare(image, m.preprocess), m)


def test_the_number_is_in_its_own_unit_and_wider_where_the_network_is_unsure() -> None:
    found = _answer([0.5, np.log(0.1)], calibration=RESIDUALS)
    assert (found.value, found.low, found.high) == pytest.approx((60, 56, 63))
    assert found.coverage == 0.88 and found.spread == pytest.approx(2)
    unsure = _answer([0.5, np.log(0.5)], calibration=RESIDUALS)
    assert (unsure.value, unsure.low, unsure.high) == pytest.approx((60, 40, 75))
    assert one_line(found) == "age 60 years: age 60 years (88% interval 56 to 63 years)"
    assert headline(found) == "age 60 years"


def test_nothing_leaves_the_declared_bounds() -> None:
    old = _answer([9.0, 0.0], calibration=RESIDUALS)
    assert (old.value, old.low, old.high) == (120, 80, 120)
    free = _answer([9.0, 0.0], quantity=Quantity(unit="a"))
    assert free.value == 230 and free.low is None


def test_without_an_interval_the_reason_stands_there() -> None:
    why = "5 tuning patients are too few for an interval, expected 9"
    found = _answer([0.0, 0.0], calibration=Calibration(reasons={"age": why}))
    assert found.low is found.high is found.coverage is None
    assert one_line(found) == f"age 50 years: age 50 years (no interval: {why})"


def test_it_comes_back_from_its_file_to_the_last_digit() -> None:
    found = _answer([0.1, -1.0], calibration=RESIDUALS)
    content, arrays = to_files(found)
    assert content["kind"] == "value" and not arrays and from_files(content, arrays) == found


def test_a_number_needs_a_unit_and_one_name_and_has_no_threshold() -> None:
    for more, said in (
        ({"quantity": None}, "quantity: missing"),
        ({"labels": ["age", "weight"]}, "names at most 1"),
        ({"positive": "age"}, "positive: found 'age'"),
    ):
        with pytest.raises(ValueError, match=said):
            _answer([0.0, 0.0], **more)
    with pytest.raises(ValueError, match="only a package that answers with a number"):
        manifest(quantity=Quantity(unit="a"))
    with pytest.raises(ValueError, match="the smaller first"):
        Quantity(unit="a", low=3, high=3)
