"""Which findings of an answer make a study urgent: those that the route names, where they were found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from overread.runtime.answer import Answer, Classes, Findings, LabelMap, Objects, Value


def urgent_labels(answer: Answer | None, urgent: Sequence[str]) -> tuple[str, ...]:
    """Those of ``urgent`` that an answer says are there, in its own order."""
    return tuple(label for label in _found(answer) if label in urgent) if answer is not None else ()


def _found(answer: Answer) -> list[str]:
    """The decided class (of ordered grades those up to it), findings present, labels with a voxel or an object."""
    match answer:
        case Classes():
            if answer.at_least and answer.decided in answer.scores:
                grades = list(answer.scores)
                return grades[: grades.index(answer.decided) + 1]
            return [answer.decided]
        case Findings():
            return list(answer.present)
        case Value():
            # A number is neither found nor not: no list of urgent labels can name one.
            return []
        case LabelMap() | Objects():
            return list(dict.fromkeys(m.label for m in answer.measurements if m.value > 0))
        case _:
            assert_never(answer)
