"""A prediction in one line, answered or not."""

from __future__ import annotations

from overread.runtime.answer import Classes
from overread.runtime.answer_text import one_line
from overread.runtime.prediction import Breach, Outcome, Prediction


def test_summary_of_an_answer() -> None:
    answer = Classes({"a": 0.25, "b": 0.75}, "b")
    found = Prediction(Outcome.OK, "classification", "tiny", "1", "ab", answer)
    assert found.summary() == one_line(answer) == "b: Probability of a 0.25; Probability of b 0.75"


def test_summary_of_a_refusal_names_every_reason() -> None:
    broken = (Breach("SIZE", "9 pixels", "10 to 20 pixels"), Breach("AGE", "64 years", "1 to 5 years"))
    found = Prediction(Outcome.OUT_OF_LIMITS, "classification", "tiny", "1", "ab", breaches=broken)
    assert found.answer is None
    assert found.summary() == (
        "not analysed, input outside the package's limits: SIZE: found 9 pixels, expected 10 to 20 pixels; "
        "AGE: found 64 years, expected 1 to 5 years"
    )
