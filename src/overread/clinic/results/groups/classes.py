"""One class of several (TID 1501): probabilities with their intervals, the decision, the conformal set."""

from __future__ import annotations

from highdicom import sr

from overread.clinic.results import codes
from overread.clinic.results.codes import private
from overread.clinic.results.groups.shared import (
    Context,
    Group,
    algorithm_of,
    measurement,
    number_group,
    tracking_of_group,
)
from overread.runtime.answer import Classes

SCORE_CONFIDENCE = 0.9
"""Of the limits of scores, see `overread.runtime.answer.Classes`."""


def classes_groups(answer: Classes, context: Context) -> list[Group]:
    """One group for all classes: they are one answer, and their probabilities sum to 1."""
    measured = [
        probability(label, score, answer.intervals.get(label)) for label, score in answer.scores.items()
    ]
    evaluations = [sr.QualitativeEvaluation(codes.FINDING, private("", answer.decided))]
    if answer.label_set and answer.set_coverage is not None:
        name = private(
            "SET", f"{answer.set_coverage:.0%}", f"Member of the {answer.set_coverage:.0%} prediction set"
        )
        evaluations += [sr.QualitativeEvaluation(name, private("", label)) for label in answer.label_set]
    return [
        number_group(
            context,
            tracking_of_group(context, "classification"),
            algorithm=algorithm_of(context.package),
            measurements=measured,
            evaluations=evaluations,
        )
    ]


def probability(label: str, score: float, interval: tuple[float, float] | None) -> sr.Measurement:
    """The probability of a class or finding, with its limits where there are any."""
    low, high = interval or (None, None)
    name = private("P", label, f"Probability of {label}")
    return measurement(name, score, low, high, "1", confidence=SCORE_CONFIDENCE)
