"""`overread qualify`: every step, the document, and a row of the ledger whatever comes out."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from rich.console import Console

from overread.ledger.environment import environment
from overread.ledger.ledger import Ledger
from overread.regulatory.brand import bands_of, footer_of
from overread.regulatory.documents.parts import Cell, Document, Heading, Part, Table, Text
from overread.regulatory.documents.write import write_document
from overread.regulatory.finished import Finished, read_finished
from overread.regulatory.qualify.run import (
    Bound,
    Step,
    acceptance,
    installation,
    operation,
    performance,
    whole,
)
from overread.runtime.package import Package

STATED, EVENT = "acceptance.stated", "qualification"
PARTS = {
    "IQ": "Installation: what is installed is what was tested",
    "OQ": "Operation: worked examples with published answers",
    "PQ": "Performance: recorded predictions, computed anew",
    "acceptance": "Local acceptance: cases of this site against a bound stated before",
}
console = Console()


def qualify_command(
    folder: Path, *, predictions: int, cases: Path | None, bound: Bound | None, out: Path | None
) -> None:
    """Qualify this machine for the package of the finished run in ``folder``.

    The bound of an acceptance test goes into the ledger before the local cases are answered.

    Raises
    ------
    InputError
        No finished run, or evidence that does not verify.
    OverreadError
        A step failed.
    """
    run = read_finished(folder)
    ledger = Ledger.open(folder / "ledger.db")
    steps = [*installation(run), *operation(), *performance(run, cases=predictions)]
    if cases is not None and bound is not None:
        ledger.append(STATED, {"bound": dict(vars(bound)), "package": run.report["package"]["sha256"]})
        steps += acceptance(Package.load(folder / run.report["package"]["path"]), cases, bound)
    passed = all(s.passed for s in steps)
    event = ledger.append(
        EVENT,
        {
            "package": run.report["package"]["sha256"],
            "passed": passed,
            "environment": environment(),
            "steps": [s.as_dict() for s in steps],
        },
    )
    for s in steps:
        mark = "[green]passed" if s.passed else "[red]failed"
        console.print(
            f"  {s.part:<10} {mark}[/] {s.name}: expected {s.expected}, found {s.found}", highlight=False
        )
    console.print(f"  ledger row {event.seq}; sign it with overread sign {event.seq}", highlight=False)
    if out is not None:
        data = {
            "passed": passed,
            "row": event.seq,
            "environment": environment(),
            "steps": [s.as_dict() for s in steps],
        }
        console.print(
            f"  {write_document(document_of(run, steps, row=event.seq), out, data=data)}", highlight=False
        )
    whole(steps)
    console.print("[bold green]Qualified.", highlight=False)


def document_of(run: Finished, steps: list[Step], *, row: int) -> Document:
    """The protocol of a qualification with its results."""
    failed = sum(not s.passed for s in steps)
    word = (
        "Qualified: every step passed."
        if not failed
        else f"NOT qualified: {failed} of {len(steps)} steps failed."
    )
    facts = "; ".join(f"{k} {v}" for k, v in environment().items() if k != "code_sha256")
    parts: list[Part] = [Text(word, warning=bool(failed)), Text(f"Machine: {facts}.", quiet=True)]
    for part, members in groupby(steps, key=lambda s: s.part):
        rows: list[list[str | Cell]] = [
            [
                s.name,
                s.expected,
                s.found,
                Cell(("passed",) if s.passed else ("failed",), mark="filled" if s.passed else "missing"),
            ]
            for s in members
        ]
        parts += [
            Heading(PARTS[part]),
            Table(("Step", "Expected", "Found", ""), rows, (0.42, 0.24, 0.22, 0.12)),
        ]
    parts.append(
        Text(
            "Performed by, reviewed by, date: the signatures of this row stand in the ledger (overread sign)."
        )
    )
    return Document(
        title=f"Qualification: {run.report['name']} {run.manifest.version}",
        subtitle=f"IQ, OQ, PQ; ledger row {row}",
        bands=bands_of(run),
        parts=parts,
        footer=footer_of(run),
    )
