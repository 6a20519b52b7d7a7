"""Splitting a cohort's table: the columns split and fold are written, every other cell stays."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from overread.cohort.columns import LABELS, VALUE, is_finding
from overread.cohort.splits.allocate import allocate
from overread.cohort.splits.folds import folds
from overread.cohort.splits.parts import SPLITS
from overread.cohort.splits.patient import by_patient, shares
from overread.cohort.splits.site import by_site, leave_sites_out
from overread.cohort.splits.stratified import stratified
from overread.cohort.splits.temporal import temporal
from overread.cohort.table import Table, read_table, set_columns
from overread.errors import InputError

MOST_LEVELS, FIFTHS = 10, 5
"""A column of numbers of more different ones is divided into so many parts of about as many cases each."""
Method = Literal["patient", "stratified", "site", "temporal"]


@dataclass(frozen=True)
class SplitResult:
    """What a split came to: patients and cases per split, patients per fold, patients who had a split before."""

    path: Path
    patients: Mapping[str, int]
    cases: Mapping[str, int]
    folds: Mapping[int, int]
    kept: int
    carved: bool = False
    """The test was given and nobody was val: val was taken from the others."""


def split_table(
    folder: Path,
    *,
    method: Method = "stratified",
    by: Sequence[str] = (),
    sites: Sequence[str] = (),
    cuts: Sequence[str] = (),
    k: int | None = None,
    fractions: Mapping[str, float] | None = None,
    seed: int = 0,
    anew: bool = False,
) -> SplitResult:
    """Write the column ``split`` of a cohort's table, and ``fold`` where ``k`` folds are asked for.

    Patients who have a split (or a fold) keep it, empty cells are filled; where the table gives the test and no val,
    the test stays as it is and val is taken from the others in the shares of train and val, of every class its part
    (methods ``"patient"`` and ``"stratified"``); see `overread.cohort.splits`. Folds are
    of the patients outside the test, and of whole sites where ``method`` is ``"site"``.

    Parameters
    ----------
    method
        ``"patient"`` (hash), ``"stratified"``, ``"site"`` or ``"temporal"``.
    by
        Columns whose values together are the stratum; without them ``label``, else the rarest finding that a
        patient has among ``label_<name>``.
    sites
        Sites to be the test (``"site"``); without them sites are dealt to all splits.
    cuts
        Two days ``YYYY-MM-DD``: the last of train and of val (``"temporal"``).
    anew
        Forget the splits and folds that are there.

    Raises
    ------
    InputError
        See the methods; a missing column or cell that a method needs; ``by``, ``sites`` or ``cuts`` that a method
        has no use for; a patient in two splits. Nothing is written then.
    """
    if method not in get_args(Method):
        raise InputError(f"method is {method!r}, expected one of {', '.join(get_args(Method))}")
    _meant(method, by, sites, cuts, k)
    share = shares(fractions)
    table = read_table(folder)
    patients = _column(table, "patient", whole=True)
    had = {} if anew else _current(table, patients, "split")
    for p, s in had.items():
        if s not in SPLITS:
            raise InputError(f"{table.path}: split of patient {p!r} is {s!r}, expected {', '.join(SPLITS)}")
    strata = strata_of(table, patients, by)
    carved = method in ("patient", "stratified") and "test" in had.values() and "val" not in had.values()
    try:
        if carved:
            found = _carved(patients, had, strata if method == "stratified" else {}, share, seed)
            had = {p: s for p, s in had.items() if found[p] == s}
        elif method == "patient":
            found = by_patient(patients, fractions=share, seed=seed, current=had)
        elif method == "stratified":
            found = stratified(patients, strata, fractions=share, seed=seed, current=had)
        elif method == "temporal":
            found = temporal(_last(table, patients), cuts=_times(cuts), fractions=share, current=had)
        elif sites:
            found = leave_sites_out(
                patients, _sites(table, patients), sites, fractions=share, seed=seed, current=had
            )
        else:
            found = by_site(patients, _sites(table, patients), fractions=share, seed=seed, current=had)
        columns = {"split": [found[p] for p in patients]}
        fold: dict[str, int] = {}
        if k is not None:
            inside = [p for p in dict.fromkeys(patients) if found[p] != "test"]
            kept = {} if anew else _current(table, patients, "fold")
            grouped = _sites(table, patients) if method == "site" else None
            fold = folds(
                inside,
                k,
                strata=strata,
                sites=grouped,
                seed=seed,
                current={p: _whole(v) for p, v in kept.items() if p in set(inside)},
            )
            columns["fold"] = [str(fold[p]) if p in fold else "" for p in patients]
        elif anew and "fold" in table.columns:
            # Folds of the splits before would leave patients of the new test in one.
            columns["fold"] = [""] * len(patients)
    except InputError as error:
        where = "" if str(error).startswith(str(table.path)) else f"{table.path}: "
        raise InputError(f"{where}{error}") from error
    set_columns(table, columns)
    people, images = Counter(found.values()), Counter(columns["split"])
    return SplitResult(
        table.path,
        {s: people[s] for s in SPLITS},
        {s: images[s] for s in SPLITS},
        dict(sorted(Counter(fold.values()).items())),
        len(had),
        carved,
    )


def keep_splits(folder: Path, found: Mapping[str, str]) -> bool:
    """Write the splits by which a cohort without the column is read, ``found`` by patient: from then on they are the
    table's own, and nothing moves anybody. Says whether that was to be done."""
    table = read_table(folder)
    if "split" in table.columns:
        return False
    set_columns(table, {"split": [found[p] for p in _column(table, "patient", whole=True)]})
    return True


def _carved(
    patients: Sequence[str],
    had: Mapping[str, str],
    strata: Mapping[str, str],
    share: Mapping[str, float],
    seed: int,
) -> dict[str, str]:
    """The test as given, the others dealt to train and val."""
    inside = [p for p in dict.fromkeys(patients) if had.get(p) != "test"]
    if len(inside) < 2:
        raise InputError(
            f"split: found {len(inside)} patients outside the test that the table gives, expected 2 or more: one each "
            "for train and val"
        )
    both = share["train"] + share["val"]
    parts = {name: share[name] / both for name in ("train", "val")}
    return dict.fromkeys(patients, "test") | allocate(inside, parts, strata, seed, {})


def _meant(method: str, by: Sequence[str], sites: Sequence[str], cuts: Sequence[str], k: int | None) -> None:
    """Refuse what ``method`` would pass over: the person would take the split for another."""
    for what, given, needed in (("test sites", sites, "site"), ("cuts", cuts, "temporal")):
        if given and method != needed:
            raise InputError(
                f"{what} are for the method {needed}, found {method}; choose that, or leave them out"
            )
    if by and method != "stratified" and (k is None or method == "site"):
        raise InputError(
            f"columns to stratify by ({', '.join(by)}) are for the method stratified, or for folds of patients; "
            f"found {method}; leave them out"
        )


def _column(table: Table, name: str, whole: bool = False) -> list[str]:
    """The cells of a column; with ``whole`` none may be empty."""
    if name not in table.columns:
        raise InputError(f"{table.path}: no column {name!r}; found {', '.join(table.columns)}")
    cells = [row[name].strip() for row in table.rows]
    if not cells:
        raise InputError(f"{table.path}: has a header and no case; expected one row per examination")
    if whole and "" in cells:
        raise InputError(f"{table.path}: row {table.first + cells.index('')}: column {name!r} is empty")
    return cells


def _current(table: Table, patients: Sequence[str], name: str) -> dict[str, str]:
    """What each patient has in a column already, if anything."""
    if name not in table.columns:
        return {}
    out: dict[str, str] = {}
    for n, (p, value) in enumerate(zip(patients, _column(table, name), strict=True), table.first):
        if value and out.setdefault(p, value) != value:
            raise InputError(
                f"{table.path}: row {n}: patient {p!r} is in {name} {out[p]} and {value}; keep each patient in one"
            )
    return out


def strata_of(table: Table, patients: Sequence[str], by: Sequence[str] = ()) -> dict[str, str]:
    """Per patient the rarest of the values of the patient's cases, counted in patients; see `split_table` for ``by``.

    ``patients`` are those of the table's rows.
    """
    plain = next((name for name in ("label", VALUE) if name in table.columns), None)
    names = list(by) or ([plain] if plain else [])
    values: dict[str, set[str]] = defaultdict(set)
    if names:
        # Classes may be named by numbers, and each of them is to have its share however many there are.
        cells = [_column(table, name) if name == "label" else _parted(_column(table, name)) for name in names]
        for p, *row in zip(patients, *cells, strict=True):
            values[p].add("|".join(row))
    else:
        for name in filter(is_finding, table.columns):
            for p, v in zip(patients, _column(table, name), strict=True):
                if v in ("1", "1.0"):
                    values[p].add(name.removeprefix(LABELS))
    common = Counter(v for found in values.values() for v in found)
    return {p: min(found, key=lambda v: (common[v], v)) for p, found in values.items()}


def _parted(cells: Sequence[str]) -> Sequence[str]:
    """A column of many different numbers as the fifth of them that each lies in: alone they are single cases."""
    try:
        numbers = np.array([float(c) if c else np.nan for c in cells])
    except ValueError:
        return cells
    known = np.isfinite(numbers)
    if len(np.unique(numbers[known])) <= MOST_LEVELS:
        return cells
    edges = np.unique(np.quantile(numbers[known], np.linspace(0, 1, FIFTHS + 1)[1:-1]))
    fifth = np.searchsorted(edges, numbers, side="right")
    return [str(k) if there else "" for k, there in zip(fifth.tolist(), known.tolist(), strict=True)]


def _sites(table: Table, patients: Sequence[str]) -> dict[str, set[str]]:
    out: dict[str, set[str]] = defaultdict(set)
    for p, site in zip(patients, _column(table, "site", whole=True), strict=True):
        out[p].add(site)
    return out


def _last(table: Table, patients: Sequence[str]) -> dict[str, float]:
    """Per patient the day of the last examination. ``days`` would not do: they count from a day of one's own."""
    out: dict[str, float] = {}
    dates = _column(table, "date", whole=True)
    for n, (p, text) in enumerate(zip(patients, dates, strict=True), table.first):
        time = _time(text, f"row {n}: date")
        out[p] = max(out.get(p, time), time)
    return out


def _times(cuts: Sequence[str]) -> list[float] | None:
    return [_time(c, "cut") for c in cuts] or None


def _time(text: str, where: str) -> float:
    try:
        return float(date.fromisoformat(text).toordinal())
    except ValueError as error:
        raise InputError(f"{where} is {text!r}, expected a day as YYYY-MM-DD") from error


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise InputError(f"fold is {text!r}, expected a whole number from 0")
    return int(text)
