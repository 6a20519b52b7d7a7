"""The first group of every report: was the analysis made, why not where it was not, what is to be known."""

from __future__ import annotations

from highdicom import sr
from highdicom.sr import RelationshipTypeValues

from overread.clinic.results import codes
from overread.clinic.results.codes import plain, private
from overread.clinic.results.failure import Failure
from overread.clinic.results.groups.shared import (
    Context,
    Group,
    algorithm_of,
    number_group,
    tracking_of_group,
)
from overread.runtime.prediction import Outcome, Prediction


def overall_group(result: Prediction | Failure, context: Context) -> Group:
    """Summary of Analyses, the coded reasons of a refusal or failure, and notes as comments."""
    evaluations: list[sr.QualitativeEvaluation] = []
    comments: list[str] = []
    if isinstance(result, Failure):
        status = codes.FAILED
        evaluations.append(
            sr.QualitativeEvaluation(
                codes.FAILURE_REASON, private("", result.code, result.code.replace("_", " ").lower())
            )
        )
        comments.append(result.text)
    elif result.outcome is Outcome.OUT_OF_LIMITS:
        status = codes.NOT_ATTEMPTED
        for breach in result.breaches:
            meaning = f"{breach.code.replace('_', ' ').lower()} outside the package's limits"
            evaluations.append(
                sr.QualitativeEvaluation(codes.LIMIT_BROKEN, private("", breach.code, meaning))
            )
            comments.append(str(breach))
    else:
        status = codes.SUCCEEDED
    if isinstance(result, Prediction):
        comments += result.notes
    comments += context.remarks
    group = number_group(
        context,
        tracking_of_group(context, "analysis"),
        algorithm=algorithm_of(context.package),
        evaluations=[sr.QualitativeEvaluation(codes.SUMMARY, status), *evaluations],
    )
    for comment in comments:
        group[0].ContentSequence.append(
            sr.TextContentItem(codes.COMMENT, plain(comment, 1024), RelationshipTypeValues.CONTAINS)
        )
    return group
