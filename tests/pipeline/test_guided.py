"""A guided init asks what nobody can find out, takes no for an answer, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.sealed_road import draw_discs

from overread.pipeline.guided import guided
from overread.pipeline.protocol import read_protocol
from overread.pipeline.stages import init_stage

VALUES = {
    "labels": ["large", "small"],
    "positive": "small",
    "intended_use": "",
    "endpoints": [{"metric": "auroc", "goal": 0.8, "proposed": True}],
    "limits": {},
}
GUESSED = ["Positive is 'small', the second of the names, for neither reads as an absence: is that so?"]


class Person:
    """Answers in turn, an empty line after that, and remembers what was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = list(answers), []  # type: ignore[var-annotated]

    def __call__(self, question: str, default: str) -> str:
        self.asked.append(question)
        return (self.answers.pop(0) if self.answers else "") or default


def test_the_answers_become_the_protocol(tmp_path: Path) -> None:
    draw_discs(tmp_path / "discs")
    person = Person("Screening of discs", "large", "0.85", "0.95", "18 to 90", "yes")
    init_stage(tmp_path / "discs", ask=person)
    protocol = read_protocol(tmp_path / "discs")
    assert (protocol.intended_use, protocol.positive, protocol.seal) == ("Screening of discs", "large", True)
    (goal,) = protocol.endpoints
    assert (goal.goal, goal.expected, goal.proposed) == (0.85, 0.95, False)
    assert protocol.limits.age_years == (18, 90)
    assert not person.answers and len(person.asked) == 6


def test_empty_lines_keep_what_was_found(tmp_path: Path) -> None:
    person = Person()
    found = guided(VALUES, GUESSED, person)
    assert found == VALUES | {"endpoints": [{"metric": "auroc", "goal": 0.8}]}


def test_what_the_table_and_the_import_tell_is_not_asked() -> None:
    stated = {
        "intended_use": "known",
        "endpoints": [{"metric": "auroc", "goal": 0.9}],
        "limits": {"age_years": [18, 60]},
    }
    person = Person()
    guided(VALUES | stated, [], person)
    assert len(person.asked) == 1 and "sealed" in person.asked[0]


@pytest.mark.parametrize(
    "answers", [("", "purple", "large"), ("", "", "much", "0.9", "", "90 18", "18,90", "no")]
)
def test_an_answer_that_is_none_is_asked_again(answers: tuple[str, ...]) -> None:
    person = Person(*answers)
    found = guided(VALUES, GUESSED, person)
    assert not person.answers
    assert found["positive"] in VALUES["labels"] and 0 < found["endpoints"][0]["goal"] < 1
