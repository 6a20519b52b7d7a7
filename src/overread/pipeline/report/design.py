"""What kind of test it was, by what sets its patients apart from those of training: place, time, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from overread.cohort.case import Case
from overread.cohort.cohort import Cohort

KINDS = {
    "external": "External test: no site of the test gave patients for training or tuning.",
    "temporal": "Temporal test: every image of the test was made after all of training and tuning.",
    "internal": "Internal test: patients of the same places and times as in training, held out.",
}


def design_of(cohort: Cohort) -> dict[str, Any]:
    """``kind`` (external, temporal or internal), a sentence ``said``, and the sites of both sides.

    It is read off the columns site, date and days, so that nobody can call a test external that is not. Both at once is
    external and says so.
    """
    test = list(cohort.split("test"))
    rest = [c for name in ("train", "val") for c in cohort.split(name)]
    ours, others = _sites(test), _sites(rest)
    apart = bool(ours and others) and not ours & others and all(_site(c) for c in (*test, *rest))
    later = _later(test, rest)
    kind = "external" if apart else "temporal" if later else "internal"
    said = KINDS[kind]
    if apart and later:
        said += " Its images were made later, too."
    if kind == "internal" and not ours:
        said += " The table names no sites."
    return {
        "kind": kind,
        "said": said,
        "sites": sorted(ours),
        "sites_of_development": sorted(others),
    }


def _site(case: Case) -> str:
    return case.attributes.get("site", "").strip()


def _sites(cases: Sequence[Case]) -> set[str]:
    return {s for c in cases if (s := _site(c))}


def _later(test: Sequence[Case], rest: Sequence[Case]) -> bool:
    """Every date of the test after all others; False where one case states none."""
    dates = [[c.date for c in cases if c.date is not None] for cases in (test, rest)]
    if not test or not rest or len(dates[0]) < len(test) or len(dates[1]) < len(rest):
        return False
    return min(dates[0]) > max(dates[1])
