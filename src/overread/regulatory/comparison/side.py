"""One side of a comparison: what a package answered to every case, and its thresholds."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.cohort.hashes import content_of_test
from overread.cohort.table import read_table
from overread.cohort.truth import TRUTHS
from overread.commands import command
from overread.errors import InputError
from overread.evaluate.run import evaluate
from overread.ledger.ledger import Ledger
from overread.ledger.register import COMPARED, register
from overread.regulatory.finished import read_finished
from overread.runtime.manifest import Manifest
from overread.runtime.package import Package
from overread.task import TASKS

LEDGER = "ledger.db"


@dataclass(frozen=True)
class Side:
    """``rows`` of cases as predictions.csv has them (text or numbers), by the package of ``manifest``.

    ``exploratory`` says why its numbers confirm nothing.
    """

    name: str
    manifest: Manifest
    rows: Sequence[Mapping[str, Any]]
    exploratory: tuple[str, ...] = ()

    @property
    def thresholds(self) -> dict[str, float]:
        """The cut-off of each label that has one."""
        return {k: p.threshold for k, p in self.manifest.operating_points.items()}


def side_of_run(folder: Path) -> Side:
    """The sealed test of a finished run. Raises InputError as `read_finished` does."""
    run = read_finished(folder)
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    return Side(f"{folder.name} {run.manifest.version}", run.manifest, rows, tuple(run.exploratory))


def side_of_column(folder: Path, column: str) -> Side:
    """What the column of ``folder/cohort.csv`` says of every test case: a comparator, such as the readers of then.

    Its cells are labels of the package; empty ones are cases that the comparator did not answer.

    Raises
    ------
    InputError
        No such column, or a cell that is no label.
    """
    run = read_finished(folder)
    labels = run.manifest.labels
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as f:
        known = {r["case"]: r for r in csv.DictReader(f)}
    rows = []
    for case in Cohort.read(folder).split("test"):
        said = case.attributes.get(column)
        if said is None:
            raise InputError(f"{folder / 'cohort.csv'}: no column {column!r} with what the comparator said")
        if said and said not in labels:
            raise InputError(
                f"{folder / 'cohort.csv'}: case {case.case}: {column} is {said!r}, expected one of {', '.join(labels)}"
            )
        truth = known.get(case.case, {}).get("label")
        rows.append({"case": case.case, "patient": case.patient, "label": truth, "decided": said or None})
    return Side(f"comparator {column}", run.manifest, rows, tuple(run.exploratory))


def sides_of_packages(paths: Sequence[Path], folder: Path, *, held_out: bool = False) -> list[Side]:
    """What each package answers to the cases of ``folder/cohort.csv``.

    ``held_out``: of a table with the column ``split`` the test cases alone, as a package may have been trained on the
    others. Test cases that are looked at are counted, and the numbers are exploratory.

    Raises
    ------
    InputError
        A sealed test, a package or a case that cannot be read, or packages of another task than the first.
    """
    packages = [Package.load(p) for p in paths]
    first = packages[0].manifest
    for path, package in zip(paths[1:], packages[1:], strict=True):
        if (package.manifest.task, package.manifest.labels) != (first.task, first.labels):
            raise InputError(
                f"{path}: answers {package.manifest.task} of {', '.join(package.manifest.labels)}, {paths[0]} "
                f"{first.task} of {', '.join(first.labels)}; expected the same question"
            )
    truth = TRUTHS[TASKS[first.task].truth]
    bounds = (first.quantity.low, first.quantity.high) if first.quantity else (None, None)
    cohort = Cohort.read(folder, need=truth.COLUMN, labels=first.labels, bounds=bounds)
    cases = list(cohort)
    if held_out and "split" in read_table(folder).columns:
        cases = list(cohort.split("test"))
    why = looked(folder, cases, [p.sha256 for p in packages])
    return [
        Side(
            f"{p.manifest.name} {p.manifest.version} ({path.name})", p.manifest, evaluate(p, cases).rows, why
        )
        for path, p in zip(paths, packages, strict=True)
    ]


def looked(folder: Path, cases: Sequence[Case], packages: Sequence[str]) -> tuple[str, ...]:
    """Count a look at the test cases among ``cases``, before it is taken; why its numbers confirm nothing.

    In the folder's ledger, and in the machine's list of openings, which a copy of the folder does not escape. A folder
    without a ledger, which holds cases of its own, is counted by the list alone, and its numbers stand as they are.

    Raises InputError where the test is sealed.
    """
    sealed = [c for c in cases if c.split == "test"]
    if any(c.sealed for c in sealed):
        raise InputError(
            f"{folder}: the truth of the test cases is sealed; {command('test', folder, '--as', 'NAME')} opens it, and "
            "nothing else does"
        )
    if not sealed:
        return ()
    row = None
    if (folder / LEDGER).is_file():
        row = Ledger.open(folder / LEDGER).append(
            COMPARED, {"cases": len(sealed), "packages": list(packages)}
        )
    register(content_of_test(sealed, folder), chain_head=row.hash if row else "")
    if row is None:
        return ()
    return (f"{len(sealed)} sealed test cases of {folder.name} were looked at for this comparison.",)
