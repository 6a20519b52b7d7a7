"""Cases in memory, prepared by the same function that prepares them in the clinic."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.cohort.cohort import Case
from overread.cohort.load import load_case
from overread.cohort.masks import read_mask
from overread.errors import OverreadError
from overread.runtime.manifest import Preprocess
from overread.runtime.preprocess import prepare, prepare_mask

MEMORY_SHARE = 0.6


@dataclass(frozen=True)
class Example:
    """One prepared case: image ``(channels, *grid)`` float32, and its target.

    ``target``: class index (classification) or label map ``(*grid)`` uint8 (segmentation).
    """

    case: str
    image: NDArray[np.float32]
    target: int | NDArray[np.uint8]


def load_examples(
    cases: Sequence[Case],
    spec: Preprocess,
    labels: Sequence[str],
    task: str,
    advance: Callable[[], None] = lambda: None,
) -> list[Example]:
    """Read and prepare ``cases``; ``advance`` is called after each.

    Raises
    ------
    InputError
        An image or mask that cannot be read or does not fit.
    OverreadError
        The prepared cases would not fit into memory; says how much is needed.
    """

    def load(case: Case) -> Example:
        image = load_case(case)
        prepared = prepare(image, spec)
        if task == "classification":
            return Example(case.case, prepared.array, list(labels).index(str(case.label)))
        mask = read_mask(case, image, labels=len(labels))
        return Example(case.case, prepared.array, prepare_mask(mask, image, spec))

    examples: list[Example] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for example in pool.map(load, cases):
            if not examples:
                _check_memory(example, len(cases))
            examples.append(example)
            advance()
    return examples


def _check_memory(example: Example, cases: int) -> None:
    size = example.image.nbytes + (example.target.nbytes if isinstance(example.target, np.ndarray) else 0)
    need, have = size * cases / 2**30, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES") / 2**30
    if need > MEMORY_SHARE * have:
        raise OverreadError(
            f"{cases} prepared cases of {example.image.shape} need {need:.1f} GiB and {have:.1f} GiB are free; "
            "choose a coarser spacing or a smaller size in plan.json"
        )
