"""`overread readers`: a table of readings, analysed as a multi-reader multi-case study."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from overread.errors import InputError
from overread.files import sha256_file
from overread.ledger.ledger import Ledger
from overread.regulatory.brand import RESEARCH
from overread.regulatory.documents.parts import Cell, Document, Heading, Part, Table, Text
from overread.regulatory.documents.write import write_document
from overread.stats.interval import Interval
from overread.stats.readers import (
    FigureOfMerit,
    ObuchowskiRockette,
    ReaderStudy,
    obuchowski_rockette,
    reader_study,
    sensitivity_at,
    specificity_at,
)
from overread.stats.readers.obuchowski import MODELS

COLUMNS = ("case", "reader", "treatment", "rating", "truth")
EVENT = "readers.analysed"
METHOD = (
    "Obuchowski and Rockette (1995) with the degrees of freedom of Hillis (2007), jackknife covariance. Random readers "
    "and random cases: for other readers and other patients; fixed readers: for these readers only."
)
console = Console()


def read_study(path: Path) -> ReaderStudy:
    """The readings of ``path``: a row a reading, columns case, reader, treatment, rating (higher: more suspicious) and
    truth (0 or 1). Readings that were not made are left out.

    Raises
    ------
    InputError
        A missing column, a cell that is no number, a case with two truths, or a reading given twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as f:
            rows = list(csv.DictReader(f))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    lacking = [c for c in COLUMNS if not rows or c not in rows[0]]
    if lacking:
        raise InputError(f"{path}: no column {lacking[0]!r}; expected {', '.join(COLUMNS)}, a row a reading")
    numbers = {k: [_number(path, n, r, k) for n, r in enumerate(rows, 2)] for k in ("rating", "truth")}
    try:
        return reader_study(
            numbers["rating"],
            numbers["truth"],
            reader=[r["reader"] for r in rows],
            treatment=[r["treatment"] for r in rows],
            case=[r["case"] for r in rows],
        )
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error


def _number(path: Path, line: int, row: Mapping[str, Any], column: str) -> float:
    try:
        return float(row[column])
    except (TypeError, ValueError):
        raise InputError(f"{path}: line {line}: {column} is {row[column]!r}, expected a number") from None


def analyses(study: ReaderStudy, threshold: float | None) -> list[tuple[str, ObuchowskiRockette]]:
    """The area under the ROC curve, and with a ``threshold`` on the rating also sensitivity and specificity.

    Raises ValueError where a reader lacks cases of a class.
    """
    wanted: list[tuple[str, FigureOfMerit | str]] = [("Area under the ROC curve", "auc")]
    if threshold is not None:
        wanted += [("Sensitivity", sensitivity_at(threshold=threshold))]
        wanted += [("Specificity", specificity_at(threshold=threshold))]
    t, r, c = np.nonzero(study.read)
    return [
        (
            name,
            obuchowski_rockette(
                study.rating[t, r, c],
                study.truth[c],
                reader=np.array(study.readers)[r],
                treatment=np.array(study.treatments)[t],
                case=np.array(study.cases)[c],
                fom=fom,
            ),
        )
        for name, fom in wanted
    ]


def readers_command(path: Path, *, threshold: float | None, out: Path | None, folder: Path | None) -> None:
    """Analyse the readings of ``path``; with ``folder`` the result is a row of the ledger there.

    Raises InputError for a table or design that cannot be analysed.
    """
    study = read_study(path)
    try:
        found = analyses(study, threshold)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error
    rows = [row for name, result in found for row in rows_of(name, result)]
    console.print(
        f"{len(study.readers)} readers, {len(study.cases)} cases, {len(study.treatments)} treatments",
        highlight=False,
    )
    for r in rows:
        console.print(f"  {r['measure']}, {r['of']}: {_said(r)}", highlight=False)
    digest = sha256_file(path)
    if folder is not None:
        Ledger.open(folder / "ledger.db", create=False)
        row = Ledger.open(folder / "ledger.db").append(
            EVENT,
            {"readings": digest, "readers": len(study.readers), "cases": len(study.cases), "rows": rows},
        )
        console.print(f"  ledger row {row.seq}", highlight=False)
    if out is not None:
        data = {"readings": digest, "readers": list(study.readers), "cases": len(study.cases), "rows": rows}
        console.print(
            f"  {write_document(document_of(path.name, study, rows, digest), out, data=data)}",
            highlight=False,
        )


def rows_of(name: str, result: ObuchowskiRockette) -> list[dict[str, Any]]:
    """Estimates of every treatment and differences between them, random readers and random cases first.

    With one reader there is nothing to be said of other readers: only that reader's cases are at random.
    """
    tests = [(t, MODELS[k]) for k, t in (("rrrc", result.rrrc), ("frrc", result.frrc)) if t is not None]
    first, model = tests[0]
    out: list[dict[str, Any]] = [
        {"measure": name, "of": e.treatment, "p": None, "model": model} | _interval(e.estimate)
        for e in first.estimates
    ]
    for test, of in tests:
        out += [
            {"measure": name, "of": " less ".join(d.treatments), "p": d.p_value, "model": of}
            | _interval(d.difference)
            for d in test.differences
        ]
    return out


def _interval(i: Interval) -> dict[str, Any]:
    return {"estimate": i.estimate, "low": i.low, "high": i.high, "confidence": i.confidence}


def _said(r: Mapping[str, Any]) -> str:
    p = "" if r["p"] is None else f", p {r['p']:.3f}"
    return f"{r['estimate']:.3f} ({r['low']:.3f} to {r['high']:.3f}{p}; {r['model']})"


def document_of(name: str, study: ReaderStudy, rows: Sequence[Mapping[str, Any]], digest: str) -> Document:
    """The study as a document."""
    parts: list[Part] = [
        Text(
            f"{len(study.readers)} readers, {len(study.cases)} cases ({int(study.truth.sum())} with the condition), "
            f"{len(study.treatments)} treatments: {', '.join(map(str, study.treatments))}; "
            f"{'every reader read every case' if study.fully_crossed else 'not every reader read every case'}."
        ),
        Text(f"Readings: {name}, SHA-256 {digest}", quiet=True),
    ]
    for measure in dict.fromkeys(r["measure"] for r in rows):
        table: list[list[str | Cell]] = [
            [
                r["of"],
                f"{r['estimate']:.3f} ({r['low']:.3f} to {r['high']:.3f})",
                "–" if r["p"] is None else f"{r['p']:.4f}",
                r["model"],
            ]
            for r in rows
            if r["measure"] == measure
        ]
        parts += [
            Heading(measure),
            Table(("", "Estimate (95% interval)", "p", "Generalises to"), table, (0.34, 0.3, 0.1, 0.26)),
        ]
    parts.append(Text(METHOD, quiet=True))
    return Document(
        title=f"Reader study: {name}",
        subtitle="Multi-reader multi-case analysis",
        bands=[RESEARCH],
        parts=parts,
    )
