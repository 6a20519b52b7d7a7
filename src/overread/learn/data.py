"""Cases in memory, prepared by the same function that prepares them in the clinic."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from overread.cohort.case import Case
from overread.cohort.load import load_case
from overread.cohort.truth import TRUTHS
from overread.errors import OverreadError
from overread.learn.example import Example
from overread.learn.plan import Plan
from overread.learn.tasks import TASKS
from overread.runtime.preprocess import prepare
from overread.task import TASKS as FACTS

MEMORY_SHARE = 0.6


def load_examples(
    cases: Sequence[Case], plan: Plan, advance: Callable[[], None] = lambda: None
) -> list[Example]:
    """Read and prepare ``cases`` for training by ``plan``; ``advance`` is called after each.

    Raises
    ------
    InputError
        An image or truth that cannot be read or does not fit.
    OverreadError
        The prepared cases would not fit into memory; says how much is needed.
    """
    task, truth = TASKS[plan.task], TRUTHS[FACTS[plan.task].truth]

    def load(case: Case) -> Example:
        image = load_case(case)
        target = task.target(truth.read(case, image, plan.labels), image, plan.preprocess)
        return Example(case.case, prepare(image, plan.preprocess).array, target)

    examples: list[Example] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for example in pool.map(load, cases):
            if not examples:
                _check_memory(example, len(cases))
            examples.append(example)
            advance()
    return examples


def _check_memory(example: Example, cases: int) -> None:
    need = example.nbytes * cases / 2**30
    have = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES") / 2**30
    if need > MEMORY_SHARE * have:
        raise OverreadError(
            f"{cases} prepared cases of {example.image.shape} need {need:.1f} GiB and {have:.1f} GiB are free; "
            "choose a coarser spacing or a smaller size in plan.json"
        )
