"""The cohort's table as text: cohort.csv or cohort.parquet, read whole and rewritten atomically."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from overread.cohort.columns import near_miss, tidy
from overread.errors import InputError
from overread.files import atomic_path

CSV, PARQUET = "cohort.csv", "cohort.parquet"


@dataclass(frozen=True)
class Table:
    """``rows`` map column to cell text, as written; ``first`` is the number that a person gives the first row:
    2 in a CSV file, whose header is row 1, and 1 in a Parquet file."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    first: int


def read_table(folder: Path) -> Table:
    """Read the one table of a cohort's folder; columns by their names as `columns.tidy` understands them.

    Raises
    ------
    InputError
        No table or two, no CSV in UTF-8, no Parquet or no library to read it, a column twice, a row with more or
        fewer cells than the header, a Parquet column of lists or other structures, a column whose name is a slip for
        one that means something.
    """
    csv_file, parquet = folder / CSV, folder / PARQUET
    if parquet.is_file():
        if csv_file.is_file():
            raise InputError(f"{folder}: holds {CSV} and {PARQUET}; keep one of them")
        return _read_parquet(parquet)
    if not csv_file.is_file():
        raise InputError(
            f"{csv_file}: no such file; write one (docs/cohort.md) or make one with `overread import`"
        )
    return _read_csv(csv_file)


def set_columns(table: Table, values: Mapping[str, Sequence[str]]) -> None:
    """Rewrite the table with these columns replaced, or put at its end; every other cell stays as it is."""
    if table.path.name == PARQUET:
        _set_parquet(table, values)
        return
    columns = [*table.columns, *(c for c in values if c not in table.columns)]
    rows = [
        row | {name: cells[n] for name, cells in values.items()}
        for n, row in enumerate(map(dict, table.rows))
    ]
    write_csv(table.path, columns, rows)


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write ``rows`` atomically; what a row has besides ``columns`` is left out."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as f:
        writer = csv.DictWriter(f, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _read_csv(path: Path) -> Table:
    try:
        with path.open(encoding="utf-8-sig", newline="") as f:
            reader = csv.DictReader(f)
            columns = [tidy(c) for c in reader.fieldnames or []]
            reader.fieldnames = columns
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV file in UTF-8 ({error})") from error
    _once(path, columns)
    for n, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise InputError(
                f"{path}: row {n} has more or fewer cells than the header; check for a stray comma"
            )
    return Table(path, tuple(columns), tuple(rows), 2)


def _read_parquet(path: Path) -> Table:
    content = _parquet(path)
    columns = [tidy(str(c)) for c in content.column_names]
    _once(path, columns)
    cells = [
        [_text(v, f"{path}: column {name!r}") for v in content.column(k).to_pylist()]
        for k, name in enumerate(columns)
    ]
    rows = tuple(dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True))
    return Table(path, tuple(columns), rows, 1)


def _parquet(path: Path) -> Any:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise InputError(
            f"{path}: reading Parquet needs pyarrow; pip install 'overread[formats]', or save the table as {CSV}"
        ) from error
    try:
        return parquet.read_table(path, partitioning=None)
    except (pyarrow.ArrowException, OSError) as error:
        cause = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: not a Parquet file ({cause}); write it again") from error


def _set_parquet(table: Table, values: Mapping[str, Sequence[str]]) -> None:
    import pyarrow
    from pyarrow import parquet

    content = _parquet(table.path)
    for name, cells in values.items():
        column = pyarrow.array([c or None for c in cells], pyarrow.string())
        if name in table.columns:
            content = content.set_column(table.columns.index(name), name, column)
        else:
            content = content.append_column(name, column)
    with atomic_path(table.path) as temporary:
        parquet.write_table(content, temporary)


def _text(value: Any, where: str) -> str:
    """A Parquet value as it would stand in a CSV file."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return (value.date() if not (value.hour or value.minute or value.second) else value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, dict, tuple, bytes)):
        raise InputError(f"{where} holds {type(value).__name__}; expected text, numbers or dates")
    return str(value)


def _once(path: Path, columns: Sequence[str]) -> None:
    slip = near_miss(columns)
    if slip:
        raise InputError(
            f"{path}: column {slip[0]!r} reads as a slip for {slip[1]!r}, and would be passed over; name it "
            f"{slip[1]!r}, or less alike where something else is meant"
        )
    doubled = [name for name, count in Counter(columns).items() if count > 1]
    if doubled:
        raise InputError(f"{path}: column {doubled[0]!r} stands twice in the header; keep one")
