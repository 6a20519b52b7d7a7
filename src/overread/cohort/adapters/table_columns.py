"""Which column of a table of labels is what: by name, else by what it holds; every guess is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from overread.cohort.adapters.folders import PARTS
from overread.cohort.adapters.source import listed
from overread.cohort.columns import ATTRIBUTES, KNOWN, is_finding, is_image, near_miss, tidy
from overread.errors import InputError

LABELS = ("label", "class", "diagnosis", "dx", "target", "category", "finding", "grade", "outcome", "y")
PATIENTS = (
    "patient",
    "patient_id",
    "patientid",
    "subject",
    "subject_id",
    "participant_id",
    "person",
    "pid",
    "lesion_id",
)
SPLITS = ("split", "part", "set", "subset", "partition", "fold_name")
MOST_CLASSES = 30
"""A column with more values than this is no class."""
Rows = Sequence[Mapping[str, str]]


def image_column(path: Path, rows: Rows, columns: Sequence[str], files: Mapping[str, Path]) -> str:
    """The column whose cells name most files. Raises InputError where none names any."""
    hits = {c: sum(row[c] in files for row in rows) for c in columns}
    best = max(columns, key=lambda c: hits[c])
    if not hits[best]:
        raise InputError(
            f"{path}: no column names images below {path.parent} (files there are such as "
            f"{listed(list(files), 2)}); --image names the column, or move the images there"
        )
    return best


def label_column(said: list[str], path: Path, rows: Rows, columns: Sequence[str]) -> str:
    """By name, else the only column with a few values that come again."""
    named = [c for c in columns if c.lower() in LABELS]
    values = {c: {row[c] for row in rows} for c in columns}
    few = [
        c for c in columns if 2 <= len(values[c]) <= min(MOST_CLASSES, len(rows) // 3) and "" not in values[c]
    ]
    choice = named if len(named) == 1 else few
    if len(choice) != 1:
        what = (
            f"could be any of {', '.join(few)}" if few else f"is none of {', '.join(columns) or 'the others'}"
        )
        raise InputError(
            f"{path}: the label {what}; --label NAME says so (several with commas between them are "
            "findings of 1 and 0)"
        )
    shown = listed(values[choice[0]], 6)
    said.append(f"label is the column {choice[0]!r} ({shown}); --label names another")
    return choice[0]


def named(said: list[str], what: str, columns: Sequence[str], known: Sequence[str]) -> str | None:
    """The first column of such a name."""
    found = next((c for name in known for c in columns if c.lower().replace(" ", "_") == name), None)
    if found:
        said.append(f"{what} is the column {found!r}; --{what} names another")
    return found


def split_column(said: list[str], rows: Rows, columns: Sequence[str]) -> str | None:
    """A column of that name whose cells are all parts."""
    for column in columns:
        if column.lower() in SPLITS and all(row[column].lower() in PARTS for row in rows):
            said.append(f"split is the column {column!r}; --split names another")
            return column
    return None


def guess(said: list[str], what: str, column: str) -> str:
    """The column, said where its name does not say it."""
    if column != what:
        said.append(f"{what} is the column {column!r}; --{what} names another")
    return column


def attribute(column: str) -> str:
    """The column's name where it is kept as an attribute: none that would mean something else in cohort.csv."""
    name = tidy(column)
    taken = name in KNOWN or is_finding(name) or is_image(name) or near_miss([name]) is not None
    return f"source_{name}" if taken and name not in ATTRIBUTES else name
