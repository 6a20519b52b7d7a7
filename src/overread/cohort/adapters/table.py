"""Images and a table of labels, as most own data come: which column is what is given, or guessed and said."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from overread.cohort.adapters.common import take_over
from overread.cohort.adapters.folders import FILES, PARTS, suffix_of
from overread.cohort.adapters.official import official_splits
from overread.cohort.adapters.result import made_by, print_summary, task_of
from overread.cohort.adapters.source import case_name, files_in, listed, rows_of
from overread.cohort.adapters.table_columns import (
    PATIENTS,
    attribute,
    guess,
    image_column,
    label_column,
    named,
    split_column,
)
from overread.cohort.case import FINDING, Case
from overread.cohort.cohort import Cohort
from overread.cohort.folder import building
from overread.cohort.truth.label import infer
from overread.errors import InputError
from overread.imaging.read import read
from overread.task import TASKS

TABLES = (".csv", ".tsv", ".txt")
KINDS = ("classification", "ordinal", "regression")
"""What one column of labels can be learnt as."""


def import_table(
    folder: Path,
    out: Path,
    table: str | None = None,
    image: str | None = None,
    label: str | None = None,
    patient: str | None = None,
    split: str | None = None,
    task: str | None = None,
    unit: str | None = None,
) -> None:
    """Take over the images below ``folder`` that a table there lists, with their labels.

    ``table`` is its path (without it the one .csv or .tsv in the folder; commas, semicolons and tabs are told apart);
    ``image``, ``label``, ``patient`` and ``split`` are names of columns. Several of ``label`` with commas between them
    are findings, 1, 0 or -1 each. ``task``: ``ordinal`` takes the label's classes for grades in their natural order,
    ``regression`` the label's cells for numbers, of which ``unit`` is the unit (UCUM: a for years). A column that is
    not given is guessed by its name or content, and the guess is said. Every other column becomes an attribute.

    Raises
    ------
    InputError
        No table or several, a column that is not there, an image that is not there, or no column that could be the
        label, or several: they are named.
    """
    folder = Path(folder)
    if task not in (None, *KINDS):
        raise InputError(f"--task is {task!r}, expected one of {', '.join(KINDS)}")
    path = _table(folder, table)
    rows = rows_of(path, (), _delimiter(path))
    columns = list(rows[0])
    for given in (image, patient, split, *(label.split(",") if label else ())):
        if given is not None and given not in columns:
            raise InputError(f"{path}: no column {given!r}; found {', '.join(columns)}")
    said: list[str] = []
    files = _by_name(folder)
    image = image or guess(said, "image", image_column(path, rows, columns, files))
    patient = patient or named(said, "patient", columns, PATIENTS)
    split = split or split_column(said, rows, columns)
    taken = {image, patient, split}
    labels = (
        label.split(",")
        if label
        else [label_column(said, path, rows, [c for c in columns if c not in taken])]
    )
    if task and len(labels) > 1:
        raise InputError(f"--task {task} takes one column of labels, found {', '.join(labels)}")
    found = [_file(path, n, row[image], files) for n, row in enumerate(rows, 2)]
    names = [case_name(f.name[: -len(suffix_of(f))]) for f in found]
    twice = [n for n, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(
            f"{path}: {len(twice)} images stand in several rows, such as {twice[0]}; expected one row an image"
        )
    people = [row[patient] or n if patient else n for row, n in zip(rows, names, strict=True)]
    parts = [_part(path, n, row[split]) if split else "" for n, row in enumerate(rows, 2)]
    strata = {p: row[labels[0]] for p, row in zip(people, rows, strict=True)}
    splits, note = official_splits(zip(people, parts, strict=True), strata)
    if patient is None:
        note += "; every image counts as its own patient (--patient names the column that tells them)"
    made = made_by(
        "table",
        folder,
        table=table,
        image=image,
        label=label,
        patient=patient,
        split=split,
        task=task,
        unit=unit,
    )
    stated: dict[str, Any] = {"source": {"import": made}}
    number = task is not None and TASKS[task].truth == "value"
    if unit is not None and not number:
        raise InputError("--unit is of a number: give --task regression with it")
    rest = {c: attribute(c) for c in columns if number or c not in {*taken, *labels}}
    first = read(found[0])
    with building(out, stated) as target:
        cases = []
        for n, (name, row, file) in enumerate(
            track(list(zip(names, rows, found, strict=True)), "Taking over images", len(found)), 2
        ):
            kept = target / "images" / f"{name}{suffix_of(file)}"
            take_over(file, kept)
            cases.append(
                Case(
                    name,
                    people[n - 2],
                    {"image": kept},
                    row[labels[0]] if len(labels) == 1 and not number else None,
                    None,
                    splits[people[n - 2]],
                    {new: row[old] for old, new in rest.items()},
                    findings={c: _state(path, n, c, row[c]) for c in labels} if len(labels) > 1 else {},
                )
            )
        kind = task or ("classification" if len(labels) == 1 else "multilabel")
        # A number is read from the column that bears the label's name: as that is called in cohort.csv.
        classes = [rest[labels[0]]] if number else labels if len(labels) > 1 else infer(cases)
        quantity: dict[str, Any] = {"quantity": {"unit": unit or "1"}} if number else {}
        stated |= task_of(
            kind,
            len(first.spatial),
            classes,
            name=folder.resolve().name,
            licence="unknown",
            note=note,
            made=made,
            modality=[first.modality] if first.modality else [],
            **quantity,
        )
        # Which of two classes is the one to be found is for `overread init` to guess aloud.
        stated["positive"] = None
        Cohort(target, tuple(cases)).write()
    print_summary(out, cases, f"{', '.join(classes)}; {note}")
    for remark in said:
        Console().print(f"  {remark}", highlight=False)
    unlisted = len(set(files.values()) - set(found))
    if unlisted:
        Console().print(f"  {unlisted} images that {path.name} does not list were left out", highlight=False)


def _table(folder: Path, given: str | None) -> Path:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; check the path")
    if given is not None:
        path = Path(given) if Path(given).is_file() else folder / given
        if not path.is_file():
            raise InputError(f"--table: {given}: no such file, nor below {folder}")
        return path
    found = [p for p in files_in(folder, TABLES) if p.suffix.lower() != ".txt"]
    if len(found) != 1:
        sheets = listed([p.name for p in files_in(folder, (".xlsx", ".xls", ".ods"))])
        raise InputError(
            f"{folder}: holds {len(found)} tables (.csv, .tsv){': ' + listed([p.name for p in found]) if found else ''}"
            + (f"; save {sheets} as CSV" if sheets else "")
            + "; --table FILE says which one to take"
        )
    return found[0]


def _delimiter(path: Path) -> str:
    """What stands between the header's cells: comma, semicolon or tab, whichever is there most."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as f:
            head = f.readline()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: cannot be read as a table in UTF-8 ({error}); save it as CSV UTF-8"
        ) from error
    counts = {d: len(next(csv.reader([head], delimiter=d), [])) for d in (",", ";", "\t")}
    return max(counts, key=lambda d: counts[d])


def _by_name(folder: Path) -> dict[str, Path]:
    """Images by path below the folder, by file name and by name without suffix; what two share is left out."""
    found = files_in(folder, FILES, recursive=True)
    if not found:
        raise InputError(f"{folder}: holds no images ({', '.join(FILES)}); check the path")
    out = {p.relative_to(folder).as_posix(): p for p in found}
    forms: tuple[Callable[[Path], str], ...] = (lambda p: p.name, lambda p: p.name[: -len(suffix_of(p))])
    for form in forms:
        counts = Counter(form(p) for p in found)
        out = {form(p): p for p in found if counts[form(p)] == 1} | out
    return out


def _file(path: Path, n: int, cell: str, files: Mapping[str, Path]) -> Path:
    if cell not in files:
        raise InputError(
            f"{path}: row {n}: no image {cell!r} (or two of that name) below {path.parent}; add it, or take out the row"
        )
    return files[cell]


def _part(path: Path, n: int, cell: str) -> str:
    if cell.lower() not in PARTS:
        raise InputError(f"{path}: row {n}: part is {cell!r}, expected one of {', '.join(PARTS)}")
    return PARTS[cell.lower()]


def _state(path: Path, n: int, column: str, cell: str) -> int | None:
    if cell not in FINDING:
        raise InputError(f"{path}: row {n}: {column} is {cell!r}, expected 1, 0, -1 (uncertain) or empty")
    return FINDING[cell]
