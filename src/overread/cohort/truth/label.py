"""The truth of classification: one class name in the column ``label``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.cohort.finding import Finding
from overread.cohort.truth.protocol import Regions, Shown, TruthValue, Voted
from overread.errors import InputError
from overread.imaging.image import Image

COLUMN = "label"
UNSURE = False


def stated(case: Case) -> bool:
    """Whether the row names a class."""
    return case.label is not None


def read(case: Case, image: Image, labels: Sequence[str]) -> TruthValue:
    """Index of the case's class in ``labels``, with the votes of several readers where the table has them (`Voted`).

    Raises InputError for a class that is not among them, or none.
    """
    if case.label not in labels:
        raise InputError(
            f"case {case.case}: label {case.label!r} is not one of {', '.join(labels)}; correct the table or the "
            "protocol's labels"
        )
    index, votes = list(labels).index(str(case.label)), case.votes
    unknown = [name for name in votes if name not in labels]
    if unknown:
        raise InputError(
            f"case {case.case}: a reader said {unknown[0]!r}, which is not one of {', '.join(labels)}; correct the "
            "table or the protocol's labels"
        )
    total = sum(votes.values())
    return Voted(index, [votes.get(name, 0) / total for name in labels]) if total else index


def look(case: Case, image: Image, labels: Sequence[str]) -> Shown:
    """The class, counted once."""
    return Shown({case.label: 1} if case.label else {})


def presence(case: Case, shown: Shown, labels: Sequence[str]) -> Mapping[str, bool | None]:
    """True for the case's class, False for the others; None for all where the row names none."""
    return {name: None if case.label is None else case.label == name for name in labels}


def faults(cases: Sequence[tuple[Case, Shown]], labels: Sequence[str]) -> list[Finding]:
    """Blocking: a case whose label, or what one of its readers said, is not one of ``labels``. A fact: how far several
    readers agree; a warning for labels that fewer than half of them said."""
    return [
        Finding(
            "label.unknown",
            "blocking",
            f"{case.case}: label is {case.label!r}, expected one of {', '.join(labels)}",
            (case.case,),
        )
        for case, _ in cases
        if case.label not in labels
    ] + _readers([case for case, _ in cases], labels)


def _readers(cases: Sequence[Case], labels: Sequence[str]) -> list[Finding]:
    """What several readers said of the cases that more than one of them read."""
    unknown = [c for c in cases if set(c.votes) - set(labels)]
    if unknown:
        said = sorted({name for c in unknown for name in c.votes} - set(labels))
        message = f"readers said {', '.join(map(repr, said[:3]))}, expected one of {', '.join(labels)}"
        return [Finding("readers.unknown", "blocking", message, tuple(c.case for c in unknown))]
    read = [c for c in cases if sum(c.votes.values()) > 1]
    if not read:
        return []
    # It loads scipy.stats, a second that reading a table should not cost.
    from overread.stats.agreement import krippendorff_alpha

    most = max(sum(c.votes.values()) for c in read)
    rows = [[name for name, n in c.votes.items() for _ in range(n)] for c in read]
    ratings = np.array([row + [None] * (most - len(row)) for row in rows], dtype=object)
    found = []
    try:
        alpha = krippendorff_alpha(ratings, resamples=500).alpha
        agreed = f"Krippendorff's alpha {alpha.estimate:.2f} (95% CI {alpha.low:.2f} to {alpha.high:.2f})"
    except ValueError as error:
        agreed = f"no measure of agreement: {error}"
    split = [c for c in read if c.votes.get(str(c.label), 0) < sum(c.votes.values()) / 2]
    message = f"{len(read)} of {len(cases)} cases were read by 2 to {most} readers; {agreed}"
    found.append(Finding("readers.agreement", "info", message))
    if split:
        message = f"the label of {len(split)} cases is one that fewer than half of their readers said"
        found.append(Finding("readers.minority", "warning", message, tuple(c.case for c in split)))
    return found


def infer(cases: Sequence[Case]) -> list[str]:
    """The classes found, by name; numbers within names in their order, so that grade 10 follows grade 9."""
    return sorted({c.label for c in cases if c.label}, key=_natural)


def regions(truth: TruthValue, image: Image, labels: Sequence[str]) -> Regions:
    """Nothing in particular: the whole image."""
    return Regions()


def marks(case: Case, image: Image) -> NDArray[np.bool_] | None:
    """None: a class is of the whole image."""
    return None


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p]
