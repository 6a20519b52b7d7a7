"""Reading what a data set brings: folders, tables, JSON; and saying what is missing."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from overread.cohort.case import CASE_NAME
from overread.errors import InputError
from overread.parse import parse_json


def existing(root: Path, names: Sequence[str], what: str) -> Path:
    """The first of ``names`` (paths below ``root``) that exists.

    Raises
    ------
    InputError
        None does; ``what`` says what it is and where it is to be had.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; check the path")
    for name in names:
        if (root / name).exists():
            return root / name
    there = sorted(p.name for p in root.iterdir() if not p.name.startswith("."))
    shown = ", ".join(there[:6]) + (" ..." if len(there) > 6 else "")
    raise InputError(f"{root}: has no {' or '.join(names)} ({what}); found {shown or 'nothing'}")


def files_in(folder: Path, suffixes: Sequence[str], recursive: bool = False) -> list[Path]:
    """Files below ``folder`` whose names end so, in any case, sorted; hidden ones are passed over."""
    found = folder.rglob("*") if recursive else folder.iterdir()
    return sorted(
        p for p in found if p.name.lower().endswith(tuple(suffixes)) and p.name[0] != "." and p.is_file()
    )


def rows_of(path: Path, columns: Collection[str], delimiter: str = ",") -> list[dict[str, str]]:
    """The rows of a table as text, without outer blanks.

    Raises
    ------
    InputError
        No such file, not UTF-8, a missing one of ``columns``, a row of another length, no row.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; it belongs to the data set, download it too")
    try:
        with path.open(encoding="utf-8-sig", newline="") as f:
            reader = csv.DictReader(f, delimiter=delimiter, skipinitialspace=True)
            header = [(c or "").strip() for c in reader.fieldnames or []]
            reader.fieldnames = header
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path}: cannot be read as a table in UTF-8 ({error}); download it again"
        ) from error
    missing = [c for c in columns if c not in header]
    if missing:
        raise InputError(f"{path}: no column {missing[0]!r}; found {', '.join(header) or 'an empty file'}")
    for n, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise InputError(f"{path}: row {n} has more or fewer cells than the header; download it again")
    if not rows:
        raise InputError(f"{path}: has a header and no row; download it again")
    return [{k: v.strip() for k, v in row.items() if k} for row in rows]


def rows_by(
    path: Path, key: str, columns: Collection[str] = (), delimiter: str = ","
) -> dict[str, dict[str, str]]:
    """As `rows_of`, by the value of the column ``key``. Raises InputError, too, where two rows share one."""
    found: dict[str, dict[str, str]] = {}
    for row in rows_of(path, (key, *columns), delimiter):
        if row[key] in found:
            raise InputError(f"{path}: {key} {row[key]!r} stands in more than one row; keep the right one")
        found[row[key]] = row
    return found


def json_of(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises InputError where there is none."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; it belongs to the data set, download it too")
    content = parse_json(path.read_bytes(), str(path))
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds a {type(content).__name__}, expected a JSON object")
    return content


def number(text: Any, where: str) -> float:
    """A finite number. Raises InputError naming ``where``."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = float("nan")
    if not abs(value) < float("inf"):
        raise InputError(f"{where} is {text!r}, expected a number")
    return value


def case_name(text: str) -> str:
    """``text`` as a name of a case: other characters than letters, digits and ``._-`` become ``_``."""
    name = re.sub(r"[^\w.-]", "_", text)
    return name if CASE_NAME.fullmatch(name) else f"c{name}"


def listed(names: Collection[str], most: int = 3) -> str:
    """The first few of ``names``, and how many more there are."""
    some = sorted(names)
    return ", ".join(some[:most]) + (f" (and {len(some) - most} more)" if len(some) > most else "")
