"""Ordered grades: probabilities by hand, never rising, and the same grade that the network's authors decide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.runtime.models import manifest

from overread.errors import InputError
from overread.imaging.image import Image
from overread.runtime.answer_text import headline, lines
from overread.runtime.manifest import Calibration, OperatingPoint
from overread.runtime.preprocess import prepare
from overread.runtime.tasks import ordinal

GRADES = ["none", "mild", "moderate", "severe"]
LOGITS = arrays(np.float64, (4,), elements=st.floats(-60, 60))


def _answer(z: list[float], **more):
    m = manifest(task="ordinal", labels=GRADES, **({"positive": None} | more))
    image = Image(np.zeros((1, 8, 8), np.float32), np.eye(4))
    return ordinal.answer({"logits": np.array(z, np.float32)}, prepare(image, m.preprocess), m)


def test_probabilities_are_products_of_the_conditional_ones() -> None:
    found = _answer([np.log(4), np.log(1), np.log(0.25)])
    # Beyond none 0.8, of these beyond mild 0.5, of these beyond moderate 0.2.
    assert list(found.scores.values()) == pytest.approx([0.2, 0.4, 0.32, 0.08])
    assert list(found.at_least.values()) == pytest.approx([1, 0.8, 0.4, 0.08])
    assert found.decided == "mild"
    assert found.at_least_odds == pytest.approx(
        {"mild": np.log(4), "moderate": np.log(2 / 3), "severe": np.log(0.08 / 0.92)}
    )


@given(LOGITS)
def test_no_network_can_make_a_higher_grade_likelier_to_be_reached_than_a_lower_one(z: np.ndarray) -> None:
    log_p = ordinal.log_probabilities(z)
    p = np.exp(log_p)
    assert p.sum() == pytest.approx(1) and (p >= 0).all()
    reached = ordinal.at_least(p)
    assert reached[0] == 1 and (np.diff(reached) <= 0).all() and np.isfinite(log_p).all()
    assert (np.diff(ordinal.at_least_odds(log_p)) <= 1e-9).all()


@given(arrays(np.float64, (3,), elements=st.floats(-12, 12)))
def test_conditional_log_odds_are_the_inverse(z: np.ndarray) -> None:
    assert ordinal.conditional_log_odds(ordinal.log_probabilities(z)) == pytest.approx(z, abs=1e-6)


def test_a_temperature_keeps_the_order_of_the_grades() -> None:
    soft = _answer([2.0, 1.0, -1.0], calibration=Calibration(temperature=3.0))
    plain = _answer([2.0, 1.0, -1.0])
    assert max(soft.scores.values()) < max(plain.scores.values())
    assert (np.diff(list(soft.at_least.values())) <= 0).all()


def test_the_positive_grade_has_a_threshold_of_its_own() -> None:
    point = {"moderate": OperatingPoint(rule="youden", threshold=0.3)}
    found = _answer([np.log(4), 0.0, np.log(0.25)], positive="moderate", operating_points=point)
    # The median grade stays: an operating point that is cautious says nothing of the likeliest grade.
    assert found.decided == "mild" and found.called is True
    assert headline(found) == "mild; moderate or higher: yes"
    said = {line.name: line.value for line in lines(found)}
    assert said["Probability of moderate or higher"] == "0.40, called: the threshold is 0.30"
    assert _answer([0.0, 0.0, 0.0]).called is None


def test_a_network_of_as_many_outputs_as_grades_is_refused() -> None:
    m = manifest(task="ordinal", labels=GRADES, positive=None)
    image = prepare(Image(np.zeros((1, 8, 8), np.float32), np.eye(4)), m.preprocess)
    with pytest.raises(InputError, match="gives 4 values where 4 labels"):
        ordinal.raw(lambda x: {"logits": np.zeros((1, 4), np.float32)}, image, m)


def test_only_the_positive_grade_may_have_a_threshold() -> None:
    with pytest.raises(ValueError, match="positive: found 'none'"):
        manifest(task="ordinal", labels=GRADES, positive="none")
    with pytest.raises(ValueError, match="operating_points"):
        manifest(
            task="ordinal",
            labels=GRADES,
            positive="mild",
            operating_points={"severe": OperatingPoint(rule="youden", threshold=0.5)},
        )
