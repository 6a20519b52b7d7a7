"""predict for many: the images of a folder, of a cohort's table, or those named one by one, an answer each."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from overread.cohort.adapters.folders import FILES, suffix_of
from overread.cohort.adapters.source import case_name, files_in
from overread.cohort.case import channel_columns
from overread.cohort.table import CSV, PARQUET, read_table
from overread.errors import InputError, OverreadError
from overread.files import atomic_path, quoted_cell
from overread.runtime.package import Package


@dataclass(frozen=True)
class Asked:
    """One case to be answered: its name, and its files in the order of the package's channels."""

    name: str
    files: tuple[Path, ...]


def files_of(package: Package) -> int:
    """How many files make one image of the package: a colour picture is one."""
    manifest = package.manifest
    return 1 if manifest.preprocess.color != "as_is" else len(manifest.channels)


def asked(package: Package, paths: Sequence[Path]) -> list[Asked] | None:
    """The cases that ``paths`` name for a package, or None where they are the files of one image.

    A cohort's folder (with cohort.csv) gives the images of every row; a folder of images gives each file, and one of
    DICOM files alone is one series; several files, for a package of one channel, are a case each.

    Raises
    ------
    InputError
        A table without the package's channels, a package of several channels and a folder of files, two files of one
        name.
    """
    wanted = files_of(package)
    if len(paths) == 1 and paths[0].is_dir():
        folder = paths[0]
        if any((folder / name).is_file() for name in (CSV, PARQUET)):
            return _unlike(_rows(package, folder))
        found = files_in(folder, tuple(s for s in FILES if s != ".dcm"))
        if not found:
            return None
        if wanted != 1:
            raise InputError(
                f"{folder}: the package wants {wanted} files an image; a folder with a cohort.csv says which go "
                "together"
            )
        return _unlike([_named(p) for p in found])
    if wanted == 1 and len(paths) > 1:
        return _unlike([_named(p) for p in paths])
    return None


def asked_one(paths: Sequence[Path]) -> Asked:
    """One image by the name of its first file or folder."""
    return Asked(_named(paths[0]).name, tuple(paths))


def write_answers(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """The answers as a table for people: a row a case, cells that a spreadsheet would take for formulas quoted."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as f:
        writer = csv.DictWriter(f, ["case", "outcome", "answer", "notes"], lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: quoted_cell(v) for k, v in row.items()} for row in rows)


def line_of(error: OverreadError) -> str:
    """An error as one line of a table."""
    return " ".join(str(error).split())


def _named(path: Path) -> Asked:
    stem = path.name[: -len(suffix_of(path))] if suffix_of(path) else path.name
    return Asked(case_name(stem or path.name), (path,))


def _rows(package: Package, folder: Path) -> list[Asked]:
    table = read_table(folder)
    channels = {name: column for column, name in channel_columns(table.columns, table.path).items()}
    names = [c.name for c in package.manifest.channels]
    columns = (
        list(channels.values())
        if files_of(package) == 1 == len(channels)
        else [channels.get(n, "") for n in names]
    )
    if "" in columns or "case" not in table.columns:
        lacking = "case" if "case" not in table.columns else f"image_{names[columns.index('')]}"
        raise InputError(f"{table.path}: no column {lacking!r}; the package wants {', '.join(names)}")
    for row in table.rows:
        if empty := [c for c in columns if not row[c].strip()]:
            raise InputError(
                f"{table.path}: case {row['case']}: column {empty[0]} is empty; fill it, or take out the row"
            )
    return [
        Asked(case_name(row["case"].strip()), tuple(folder / row[c].strip() for c in columns))
        for row in table.rows
    ]


def _unlike(cases: list[Asked]) -> list[Asked]:
    """The cases, refused where two have one name: their answers would be written over each other."""
    seen: dict[str, Asked] = {}
    for case in cases:
        if case.name in seen:
            raise InputError(
                f"{case.files[0]}: {seen[case.name].files[0]} would be answered under the same name, {case.name}; "
                "rename one, or ask for them one by one"
            )
        seen[case.name] = case
    return cases
