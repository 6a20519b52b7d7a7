"""Search for workitems (PS3.18 section 11.9): matching as of a worklist by C-FIND."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset

from overread.clinic.state import State
from overread.clinic.ups.resources import KEYS
from overread.clinic.ups.workitem import as_dataset, as_json
from overread.clinic.workitem_rows import StepState
from overread.clinic.worklist import in_range, matches
from overread.errors import InputError
from overread.imaging.dicom.values import text

MOST = 200
OTHER = ("limit", "offset", "includefield", "fuzzymatching")
RANGE = "ScheduledProcedureStepStartDateTime"


def search(state: State, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """Workitems that fit, the oldest first, at most `MOST`. Raises InputError for a query that cannot be understood."""
    limit, offset = (_number(query, name, default) for name, default in (("limit", MOST), ("offset", 0)))
    wanted: dict[str, str] = {}
    for name, value in query.items():
        if name in OTHER:
            continue
        keyword = keyword_for_tag(int(name, 16)) if _is_tag(name) else name
        if keyword not in KEYS:
            raise InputError(f"{name[:64]}: cannot be matched; expected {', '.join(KEYS)}")
        wanted[keyword] = value
    stated = wanted.pop("ProcedureStepState", "")
    if stated and stated not in list(StepState):
        return []
    found, passed = [], 0
    for item in state.workitems((StepState(stated),) if stated else ()):
        study = state.study(item.study_uid)
        if study is None:
            continue
        ds = as_dataset(item, study)
        if not all(_fits(ds, keyword, value) for keyword, value in wanted.items()):
            continue
        passed += 1
        if passed > offset:
            found.append(as_json(ds))
        if len(found) >= min(limit, MOST):
            break
    return found if limit else []


def _fits(ds: Dataset, keyword: str, value: str) -> bool:
    if keyword == "AccessionNumber":
        ds = ds.ReferencedRequestSequence[0]
    there = text(ds, keyword)
    if keyword == RANGE:
        low, dash, high = value.partition("-")
        cut = max(len(low), len(high))
        return in_range(f"{low}{dash}{high}", there[:cut] if cut else there)
    return matches(value, there)


def _is_tag(name: str) -> bool:
    return (
        len(name) == 8 and all(c in "0123456789abcdefABCDEF" for c in name) and tag_for_keyword(name) is None
    )


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    value = query.get(name, "")
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise InputError(f"{name}: found {value[:32]!r}, expected a number")
    return int(value)
