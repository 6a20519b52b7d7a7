"""How a run ended, in words and as the standard's code."""

from __future__ import annotations

from highdicom.sr.coding import Code

from overread.clinic.results import codes
from overread.clinic.results.failure import Failure
from overread.runtime.prediction import Outcome, Prediction


def outcome_code(result: Prediction | Failure) -> Code:
    """CID 6042: Succeeded, Not Attempted (input outside the limits) or Failed."""
    if isinstance(result, Failure):
        return codes.FAILED
    return codes.NOT_ATTEMPTED if result.outcome is Outcome.OUT_OF_LIMITS else codes.SUCCEEDED


def outcome_words(result: Prediction | Failure) -> str:
    """One line for a person."""
    if isinstance(result, Failure):
        return f"Analysis failed ({result.code}): {result.text}"
    if result.outcome is Outcome.OUT_OF_LIMITS:
        return "Not analysed: " + "; ".join(map(str, result.breaches))
    return result.summary()
