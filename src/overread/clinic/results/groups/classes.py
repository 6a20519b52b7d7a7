"""One class of several (TID 1501): probabilities with their intervals, the decision, the conformal set; of ordered
grades also whether the positive grade or a higher one is called."""

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
"""Of the limits beside scores, see `overread.runtime.answer.Classes`."""
OBSERVED = f"share in tuning cases so scored ({SCORE_CONFIDENCE:.0%})"


def classes_groups(answer: Classes, context: Context) -> list[Group]:
    """One group for all classes: they are one answer, and their probabilities sum to 1."""
    measured = [
        probability(label, score, answer.intervals.get(label)) for label, score in answer.scores.items()
    ]
    evaluations = [sr.QualitativeEvaluation(codes.FINDING, private("", answer.decided))]
    if answer.called is not None:
        higher = f"{answer.positive} or higher"
        measured.append(
            measurement(
                private("GE", answer.positive, f"Probability of {higher}"),
                answer.at_least[answer.positive],
                None,
                None,
                "1",
                confidence=SCORE_CONFIDENCE,
            )
        )
        called = codes.PRESENT if answer.called else codes.ABSENT
        evaluations.append(sr.QualitativeEvaluation(private("GE", answer.positive, higher), called))
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


def probability(label: str, score: float, observed: tuple[float, float] | None) -> sr.Measurement:
    """The probability of a class or finding; below it how many tuning cases with such a score had it, where known.

    That is no interval of the probability, and is not named so.
    """
    low, high = observed or (None, None)
    name = private("P", label, f"Probability of {label}")
    return measurement(name, score, low, high, "1", confidence=SCORE_CONFIDENCE, of=OBSERVED)
