"""Probabilities: no overflow, and no two cases become equal that were not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.special import softmax as scipy_softmax

from overread.runtime.manifest import Calibration, Scale, ScoreBin
from overread.runtime.probability import entropy, log_odds, observed, scaled, sigmoid, softmax, unobserved

values = st.lists(st.floats(-900, 900), min_size=2, max_size=6)


@given(values)
def test_softmax_and_its_type(z: list[float]) -> None:
    logits = np.array(z)
    np.testing.assert_allclose(softmax(logits, 0), scipy_softmax(logits), atol=1e-15)
    assert softmax(logits.astype(np.float32), 0).dtype == np.float32


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=6))
def test_log_odds_are_those_of_the_probabilities(z: list[float]) -> None:
    logits = np.array(z)
    np.testing.assert_allclose(log_odds(logits), logit(softmax(logits, 0)), atol=1e-6)


def test_log_odds_stay_apart_where_probabilities_round_to_one() -> None:
    near, far = np.array([0.0, 40.0]), np.array([0.0, 41.0])
    assert softmax(near, 0)[1] == softmax(far, 0)[1] == 1
    assert log_odds(far)[1] - log_odds(near)[1] == pytest.approx(1)
    assert np.isfinite(log_odds(np.array([-5000.0, 5000.0]))).all()


@given(st.floats(-700, 700))
def test_sigmoid(z: float) -> None:
    np.testing.assert_allclose(sigmoid(np.array([z])), expit(z), rtol=1e-12)


def test_scaled() -> None:
    assert scaled(2.0, None) == 2
    assert scaled(2.0, Scale(slope=0.5, intercept=-3)) == -2


def test_entropy_is_relative() -> None:
    assert entropy(np.full(5, 0.2), 0) == pytest.approx(1)
    assert entropy(np.array([1.0, 0, 0]), 0) == pytest.approx(0)
    assert entropy(np.array([[0.5, 1.0], [0.5, 0.0]]), 0) == pytest.approx([1, 0])


def test_observed_takes_the_bin_that_holds_the_score() -> None:
    part = ScoreBin(low=0.2, high=0.6, observed_low=0.1, observed_high=0.4, cases=9)
    calibration = Calibration(bins={"a": [part]})
    assert observed("a", 0.6, calibration) == (0.1, 0.4)
    assert observed("a", 0.61, calibration) is None and observed("b", 0.5, calibration) is None


def test_one_bin_for_all_scores_is_no_answer_about_a_score() -> None:
    whole = ScoreBin(low=0, high=1, observed_low=0.42, observed_high=0.71, cases=36)
    calibration = Calibration(bins={"a": [whole]}, reasons={"b": "2 tuning cases"})
    assert observed("a", 1.0, calibration) is None
    assert unobserved(["a", "b", "c", "d"], {"d": (0.1, 0.2)}, calibration) == {
        "a": "36 tuning cases are too few to tell scores apart",
        "b": "2 tuning cases",
    }
