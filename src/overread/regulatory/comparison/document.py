"""A comparison as a document and as plain data; `overread compare`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from overread.errors import InputError
from overread.evaluate.metrics import METRICS, title
from overread.regulatory.brand import RESEARCH
from overread.regulatory.comparison.paired import Comparison, Difference, compare
from overread.regulatory.comparison.side import side_of_column, side_of_run, sides_of_packages
from overread.regulatory.documents.parts import Bullets, Document, Heading, Part, Table, Text
from overread.regulatory.documents.write import write_document

COLUMNS = ("Measure", "First", "Second", "Second less first (interval)", "p", "n", "By")
WIDTHS = (0.25, 0.09, 0.09, 0.23, 0.08, 0.07, 0.19)
console = Console()


def document_of(c: Comparison) -> Document:
    """Paired differences, thresholds carried over, who changed sides."""
    why = list(dict.fromkeys((*c.first.exploratory, *c.second.exploratory)))
    parts: list[Part] = [
        Text(
            f"First: {c.first.name}, package {c.first.manifest.sha256[:12]}. Second: {c.second.name}, package "
            f"{c.second.manifest.sha256[:12]}. {c.cases:,} cases that both answered to or refused."
        ),
        Heading("Each as it is, with its own thresholds"),
        Table(COLUMNS, [_row(d) for d in c.differences], WIDTHS),
        Text(
            "Intervals are of 95%, each for itself; p-values are two-sided and not corrected for their number.",
            quiet=True,
        ),
    ]
    if c.transfer:
        parts += [
            Heading("The second at the thresholds of the first"),
            Table(COLUMNS, [_row(d) for d in c.transfer], WIDTHS),
            Text(
                "Thresholds belong to a version. What this table loses is what a clinic would lose that took the "
                "new version and kept the old cut-off.",
                quiet=True,
            ),
            Table(
                (
                    "Label",
                    "Threshold, first",
                    "Threshold, second",
                    "Median score, first",
                    "Median score, second",
                ),
                [
                    [
                        s["label"],
                        *(_number(side.thresholds.get(s["label"])) for side in (c.first, c.second)),
                        _number(s["median_first"]),
                        _number(s["median_second"]),
                    ]
                    for s in c.shifts
                ],
            ),
        ]
    if c.reclassified:
        parts += [
            Heading("Who changed sides"),
            Table(
                ("Label", "Have it: up, down", "Have it not: up, down", "Net reclassification (interval)"),
                [
                    [
                        r["label"],
                        f"{r['events']['up']}, {r['events']['down']} of {r['events']['n']}",
                        f"{r['others']['up']}, {r['others']['down']} of {r['others']['n']}",
                        _interval(r["nri"]),
                    ]
                    for r in c.reclassified
                ],
            ),
        ]
    if c.lost:
        parts += [Heading("Not compared"), Bullets(c.lost)]
    bands = [f"Exploratory: {' '.join(why)}"] if why else []
    return Document(
        title=f"{c.first.name} and {c.second.name}",
        subtitle="Comparison on the same cases",
        bands=[*bands, RESEARCH],
        parts=parts,
    )


def data_of(c: Comparison) -> dict[str, Any]:
    """The same as plain JSON content."""
    return {
        "first": {"name": c.first.name, "package": c.first.manifest.sha256},
        "second": {"name": c.second.name, "package": c.second.manifest.sha256},
        "cases": c.cases,
        "differences": [d.as_dict() for d in c.differences],
        "transfer": [d.as_dict() for d in c.transfer],
        "reclassified": c.reclassified,
        "shifts": c.shifts,
        "lost": c.lost,
        "exploratory": list(dict.fromkeys((*c.first.exploratory, *c.second.exploratory))),
    }


def compared(first: Path, second: Path | None, *, cases: Path | None, comparator: str | None) -> Comparison:
    """Two finished runs on their test, a run and a comparator's column, or two packages on the cases of a folder.

    Raises InputError.
    """
    if comparator is not None:
        return compare(side_of_column(first, comparator), side_of_run(first))
    if second is None:
        raise InputError(f"{first}: beside what? Give a second run or package, or --comparator COLUMN")
    if first.is_dir() and (first / "report.json").is_file() and cases is None:
        return compare(side_of_run(first), side_of_run(second))
    if cases is None:
        raise InputError(
            f"{first}: holds no report.json; compare two finished runs, or two packages with --cases DIR"
        )
    one, two = sides_of_packages([first, second], cases)
    return compare(one, two)


def compare_command(
    first: Path, second: Path | None, *, cases: Path | None, comparator: str | None = None, out: Path | None
) -> None:
    """Compare and print; write ``out`` as its suffix says."""
    c = compared(first, second, cases=cases, comparator=comparator)
    console.print(f"{c.cases:,} cases; first {c.first.name}, second {c.second.name}", highlight=False)
    _print("Each with its own thresholds", c.differences)
    _print("The second at the thresholds of the first", c.transfer)
    for r in c.reclassified:
        console.print(f"  net reclassification of {r['label']}: {_interval(r['nri'])}", highlight=False)
    for text in c.lost:
        console.print(f"  [yellow]not compared: {text}", highlight=False)
    if out is not None:
        console.print(f"  {write_document(document_of(c), out, data=data_of(c))}", highlight=False)


def _print(heading: str, rows: Sequence[Difference]) -> None:
    if rows:
        console.print(f"  [bold]{heading}", highlight=False)
    for d in rows:
        name, first, second, change, p, n, _ = _row(d)
        console.print(
            f"    {name}: {first} and {second}, difference {change}, p {p}, n = {n}", highlight=False
        )


def _row(d: Difference) -> list[str]:
    name = title(METRICS[d.measure], d.label) if d.measure in METRICS else d.measure
    p = "–" if d.p_value is None else "< 0.001" if d.p_value < 0.001 else f"{d.p_value:.3f}"
    return [
        name,
        f"{d.first:.3f}",
        f"{d.second:.3f}",
        _interval(d.difference.as_dict()),
        p,
        f"{d.n:,}",
        d.method,
    ]


def _interval(row: dict[str, Any] | None) -> str:
    return "–" if row is None else f"{row['estimate']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
