"""The tables of IDRiD: grades, and the centres of optic disc and fovea."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from overread.cohort.adapters.source import existing, listed, number
from overread.errors import InputError

TRUTHS = "2. Groundtruths"
GRADING: Mapping[str, str] = {
    "train": "a. IDRiD_Disease Grading_Training Labels.csv",
    "test": "b. IDRiD_Disease Grading_Testing Labels.csv",
}
LOCATED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "optic disc": {
        "train": ("1. Optic Disc Center Location/a. IDRiD_OD_Center_Training Set_Markups.csv",),
        "test": ("1. Optic Disc Center Location/b. IDRiD_OD_Center_Testing Set_Markups.csv",),
    },
    "fovea": {
        "train": (
            "2. Fovea Center Location/IDRiD_Fovea_Center_Training Set_Markups.csv",
            "2. Fovea Center Location/a. IDRiD_Fovea_Center_Training Set_Markups.csv",
        ),
        "test": (
            "2. Fovea Center Location/IDRiD_Fovea_Center_Testing Set_Markups.csv",
            "2. Fovea Center Location/b. IDRiD_Fovea_Center_Testing Set_Markups.csv",
        ),
    },
}
Points = dict[str, tuple[float, float]]


def grades(root: Path, pictures: Mapping[str, tuple[str, Path]]) -> dict[str, tuple[str, str]]:
    """Retinopathy grade as a class name, and risk of macular edema as written, by case.

    Raises
    ------
    InputError
        A missing table, picture or row; a grade other than 0 to 4.
    """
    found = {}
    for official, name in GRADING.items():
        path = existing(root, [f"{TRUTHS}/{name}"], f"the grades of the {official} part")
        for where, case, (grade, risk) in _cells(path, official):
            if grade not in ("0", "1", "2", "3", "4"):
                raise InputError(f"{where}: retinopathy grade is {grade!r}, expected 0 to 4")
            found[case] = (f"grade {grade}", risk)
    _agree(root, set(found), set(pictures))
    return found


def points(root: Path, pictures: Mapping[str, tuple[str, Path]]) -> dict[str, Points]:
    """Centres of optic disc and fovea, x and y in pixels as written, by case.

    Raises
    ------
    InputError
        A missing table, picture or row; a coordinate that is no number.
    """
    found: dict[str, Points] = {}
    for label, tables in LOCATED.items():
        seen = set()
        for official, names in tables.items():
            path = existing(root, [f"{TRUTHS}/{n}" for n in names], f"the {label} of the {official} part")
            for where, case, (x, y) in _cells(path, official):
                found.setdefault(case, {})[label] = (number(x, f"{where}: x"), number(y, f"{where}: y"))
                seen.add(case)
        _agree(root, seen, set(pictures))
    return found


def _cells(path: Path, official: str) -> Iterator[tuple[str, str, tuple[str, str]]]:
    """Place, case and the next two cells of every row.

    The published tables have blanks in their headers and empty columns and rows after the data, so cells go by place.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as f:
            lines = list(csv.reader(f))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path}: cannot be read as a table in UTF-8 ({error}); download it again"
        ) from error
    if not lines or not lines[0][0].strip().lower().startswith("image"):
        raise InputError(f"{path}: expected a header that begins with the image's name; download it again")
    for n, line in enumerate(lines[1:], 2):
        cells = [c.strip() for c in line]
        if not any(cells):
            continue
        if len(cells) < 3 or not cells[0]:
            raise InputError(f"{path}: row {n} has {len(cells)} cells, expected a name and two values")
        yield f"{path}: row {n}", f"{official}-{cells[0]}", (cells[1], cells[2])


def _agree(root: Path, rows: set[str], pictures: set[str]) -> None:
    for missing, what in ((pictures - rows, "no row in the tables"), (rows - pictures, "no picture")):
        if missing:
            raise InputError(f"{root}: {what} for {listed(missing)}; unpack the archive again")
