"""Case: one examination of one patient, read from a row of the table with every fault named."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NoReturn

from overread.cohort.columns import IMAGE, KNOWN, LABELS, READER, VOTES, is_finding, is_image, is_reading
from overread.cohort.splits.parts import SPLITS
from overread.commands import command
from overread.errors import InputError

# Results are written to files named after cases.
CASE_NAME = re.compile(r"[^\W_][\w.-]*")
FINDING = {"": None, "1": 1, "1.0": 1, "0": 0, "0.0": 0, "-1": -1, "-1.0": -1}


class CaseError(InputError):
    """A case that cannot be used, with the ``code`` of the finding that `overread check` makes of it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Case:
    """One row of the table: one examination of one patient.

    ``images`` maps channel name to file (a DICOM series is a folder) and lacks the channels that this case
    does not have; ``label`` is a class name; ``mask`` is a label map on the grid of the first channel;
    ``attributes`` holds every other column (age in years, sex, site, scanner ...) as written.

    ``sealed``: the truth lies in the seal of the test (`overread seal`), and is not in the table.
    ``readings`` are the filled cells of several readers' columns (``reader_<name>``, ``votes_<class>``) as written.
    ``values`` maps the names of columns that were asked for as numbers to these; they are ``attributes``, too.
    ``findings`` maps the names of ``label_<name>`` columns to 1 (present), 0 (absent), -1 (uncertain) or None (not
    stated). ``boxes`` is a JSON file. ``visit``, ``date`` and ``days`` (since a day of the patient's own) say
    when the examination was.
    """

    case: str
    patient: str
    images: Mapping[str, Path]
    label: str | None = None
    mask: Path | None = None
    split: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    row: int = 0
    findings: Mapping[str, int | None] = field(default_factory=dict)
    boxes: Path | None = None
    visit: str = ""
    date: date | None = None
    days: float | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    readings: Mapping[str, str] = field(default_factory=dict)
    sealed: bool = False

    @property
    def votes(self) -> Mapping[str, int]:
        """How many readers said each class; empty where ``label`` is all that is known."""
        counts: Counter[str] = Counter()
        for column, text in self.readings.items():
            if column.startswith(READER):
                counts[text] += 1
            else:
                counts[column.removeprefix(VOTES)] += int(text)
        return {name: n for name, n in counts.items() if n}


@dataclass(frozen=True)
class Wanted:
    """What is asked of a row.

    ``need`` is the column that must be filled, ``classes`` the names allowed in ``label``; ``missing_channels``
    accepts rows without some (not all) of the images. ``values`` are columns that must hold a number within
    ``bounds``. ``sealed``: test rows need no truth.
    """

    channels: Mapping[str, str]
    need: str | None = None
    classes: Sequence[str] | None = None
    missing_channels: bool = False
    values: Sequence[str] = ()
    bounds: tuple[float | None, float | None] = (None, None)
    sealed: bool = False


def channel_columns(columns: Sequence[str], path: Path) -> dict[str, str]:
    """Channel name by column name. Raises InputError where there is none."""
    found = {c: c.removeprefix(f"{IMAGE}_") for c in columns if is_image(c)}
    if not found:
        raise InputError(
            f"{path}: no column 'image' or 'image_<channel>'; found {', '.join(columns) or 'an empty file'}"
        )
    return found


def read_case(folder: Path, path: Path, n: int, row: Mapping[str, str], wanted: Wanted) -> Case:
    """The case of row ``n`` of the table ``path``. Raises InputError naming row and column."""
    columns = Row(folder, path, n, row)
    cell = columns.cell
    sealed = wanted.sealed and cell("split") == "test"
    needed = [wanted.need] if wanted.need and wanted.need in row and not sealed else []
    for column in ("case", "patient", *needed):
        if not cell(column):
            columns.fail(f"column {column!r} is empty; every case needs it")
    empty = [c for c in wanted.channels if not cell(c)]
    if empty and len(empty) == len(wanted.channels):
        columns.fail(f"column {empty[0]!r} is empty; every case needs it")
    if empty and not wanted.missing_channels:
        columns.fail(
            f"column {empty[0]!r} is empty: the case lacks a channel, which checking accepts and training does not; "
            "fill the cell or drop the row"
        )
    if not CASE_NAME.fullmatch(cell("case")):
        columns.fail(f"case is {cell('case')!r}; expected letters, digits and ._- for it names files")
    if "split" in row and not cell("split"):
        columns.fail(
            f"column 'split' is empty; {command('split', folder)} fills it, and who has a split keeps it"
        )
    if "split" in row and cell("split") not in SPLITS:
        columns.fail(f"split is {cell('split')!r}, expected one of {', '.join(SPLITS)}")
    label = cell("label") or None
    if wanted.need == "label" and wanted.classes is not None and label not in wanted.classes and not sealed:
        columns.fail(
            f"label {label!r} is not a class of the protocol; expected one of {', '.join(wanted.classes)}"
        )
    known = {*KNOWN, *wanted.channels}
    images = {name: columns.file(c) for c, name in wanted.channels.items() if c not in empty}
    return Case(
        cell("case"),
        cell("patient"),
        images,
        label,
        columns.file("mask") if cell("mask") else None,
        cell("split"),
        {k: cell(k) for k in row if k not in known and not is_finding(k) and not is_reading(k)},
        n,
        {k.removeprefix(LABELS): columns.finding(k) for k in row if is_finding(k)},
        columns.file("boxes") if cell("boxes") else None,
        cell("visit"),
        columns.day("date"),
        columns.number("days"),
        {name: columns.measured(name, wanted.bounds) for name in wanted.values if not sealed},
        {k: columns.reading(k) for k in row if is_reading(k) and cell(k)},
        sealed,
    )


def cells_of(case: Case, relative: Mapping[str, str | None], columns: Collection[str]) -> dict[str, str]:
    """The cells of a case, without its images; ``relative`` gives the paths as they are to stand."""
    findings = {f"{LABELS}{k}": "" if v is None else str(v) for k, v in case.findings.items()}
    row = {
        "case": case.case,
        "patient": case.patient,
        "split": case.split,
        "label": case.label or "",
        "visit": case.visit,
        "date": case.date.isoformat() if case.date else "",
        "days": "" if case.days is None else f"{case.days:.15g}",
    }
    row |= {k: v or "" for k, v in relative.items()} | findings | dict(case.readings) | dict(case.attributes)
    return {k: v for k, v in row.items() if k in columns}


@dataclass(frozen=True)
class Row:
    """One row of a table, whose cells are read with faults named."""

    folder: Path
    path: Path
    n: int
    cells: Mapping[str, str]

    def fail(self, text: str) -> NoReturn:
        """Raise InputError about this row."""
        raise InputError(f"{self.path}: row {self.n}: {text}")

    def cell(self, column: str) -> str:
        """The text of a cell, empty where there is no such column."""
        return self.cells.get(column, "").strip()

    def file(self, column: str) -> Path:
        """The existing file that a cell names."""
        found = self.folder / self.cell(column)
        if not found.exists():
            self.fail(f"{column} file {found} does not exist")
        return found

    def finding(self, column: str) -> int | None:
        """1, 0, -1 or None."""
        text = self.cell(column)
        if text not in FINDING:
            self.fail(
                f"{column} is {text!r}, expected 1, 0, -1 (uncertain) or empty; "
                "rename the column if it holds no finding"
            )
        return FINDING[text]

    def day(self, column: str) -> date | None:
        """A date, or None where the cell is empty."""
        text = self.cell(column)
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            self.fail(f"{column} is {text!r}, expected a day as YYYY-MM-DD")

    def number(self, column: str) -> float | None:
        """A finite number, or None where the cell is empty."""
        text = self.cell(column)
        if not text:
            return None
        value = _finite(text)
        if value is None:
            self.fail(f"{column} is {text!r}, expected a number of days")
        return value

    def reading(self, column: str) -> str:
        """What a reader said, or a whole number of votes."""
        text = self.cell(column)
        if column.startswith(VOTES) and not text.isdecimal():
            self.fail(f"{column} is {text!r}, expected how many readers said so, a whole number")
        return text

    def measured(self, column: str, bounds: tuple[float | None, float | None]) -> float:
        """The number that a case must have, within ``bounds``."""
        text, (low, high) = self.cell(column), bounds
        if not text:
            self.fail(
                f"column {column!r} is empty; every case needs its number: fill the cell or drop the row"
            )
        value = _finite(text)
        if value is None:
            self.fail(
                f"{column} is {text!r}, expected a number with a point for decimals and without its unit"
            )
        if (low is not None and value < low) or (high is not None and value > high):
            within = (
                f"from {'any' if low is None else f'{low:g}'} to {'any' if high is None else f'{high:g}'}"
            )
            self.fail(
                f"{column} is {value:g}, expected {within} as the protocol's quantity declares; correct the cell or "
                "the bounds"
            )
        return value


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
