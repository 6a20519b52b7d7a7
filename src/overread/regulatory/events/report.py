"""A draft of a manufacturer's report (21 CFR 803.52, blocks of Form FDA 3500A) from what people say and evidence has.

What an AI needs and the form lacks stands in the narrative: package hash, threshold, score, whether the input was
inside the limits, and whether the event is attributable to the model.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

from rich.console import Console

from overread.files import write_text
from overread.ledger.ledger import Ledger
from overread.regulatory.brand import footer_of
from overread.regulatory.documents.parts import Cell, Document, Heading, Part, Table, Text
from overread.regulatory.documents.write import write_document
from overread.regulatory.events.clock import due
from overread.regulatory.finished import Finished, read_finished
from overread.settings import Strict, read_settings

EVENT = "event.drafted"
OPEN = "to be written"
console = Console()


class AdverseEvent(Strict):
    """What people know of an event. ``patient`` is a code, never a name; ``remedial``: action is taken to prevent an
    unreasonable risk of substantial harm, or the authority asked, which makes it a report within five work days."""

    number: str
    aware: date
    happened: date
    kind: Literal["adverse event", "product problem", "both"]
    reportable: Literal["death", "serious injury", "malfunction"]
    remedial: bool = False
    follow_up: int = 0
    patient: str = ""
    age: str = ""
    sex: str = ""
    weight: str = ""
    outcome: str = ""
    narrative: str = ""
    tests: str = ""
    history: str = ""
    operator: str = ""
    other_products: str = ""
    reporter: str = ""
    facility: str = ""
    manufacturer: str = ""
    source: str = ""
    udi: str = ""
    product_code: str = ""
    submission: str = ""
    score: float | None = None
    inside_limits: bool | None = None
    attributable: Literal["yes", "no", "unknown"] = "unknown"
    evaluated: str = ""
    codes: str = ""
    remedy: str = ""
    further: str = ""


def rows_of(event: AdverseEvent, run: Finished) -> list[tuple[str, str, str]]:
    """Block and field of the form, and what stands there; empty is to be written by a person."""
    m, e = run.manifest, event
    points = "; ".join(f"{k} {p.threshold:.4g}" for k, p in m.operating_points.items()) or "none"
    inside = {True: "yes", False: "no", None: "not recorded"}[e.inside_limits]
    ai = (
        f"Model: package {m.name} {m.version}, SHA-256 {m.sha256}. Thresholds: {points}. Score of this case: "
        f"{'not recorded' if e.score is None else f'{e.score:.4f}'}. Input inside the limits: {inside}. Attributable "
        f"to the model: {e.attributable}."
    )
    kind = "5-day" if e.remedial else "30-day"
    report = f"{kind}, {'initial' if not e.follow_up else f'follow-up {e.follow_up}'}"
    return [
        ("A Patient", "identifier in confidence (a code)", e.patient),
        ("A Patient", "age at the time of the event", e.age),
        ("A Patient", "sex", e.sex),
        ("A Patient", "weight", e.weight),
        ("B Event", "adverse event or product problem", e.kind),
        ("B Event", "outcome", e.outcome),
        ("B Event", "date of the event", e.happened.isoformat()),
        ("B Event", "date of this report", ""),
        ("B Event", "description", " ".join(t for t in (e.narrative.strip(), ai) if t)),
        ("B Event", "relevant tests", e.tests),
        ("B Event", "other relevant history", e.history),
        ("D Device", "brand name, common name, product code", f"{m.name}; {e.product_code}".strip("; ")),
        ("D Device", "version, unique device identifier", f"{m.version}; {e.udi}".strip("; ")),
        ("D Device", "operator", e.operator),
        (
            "D Device",
            "available for evaluation",
            f"yes: package and ledger ({len(run.events)} rows, head {run.events[-1].hash[:12]})",
        ),
        ("D Device", "other products in use", e.other_products),
        ("E Initial reporter", "name, address, health professional or not", e.reporter),
        ("F User facility or importer", "only for their own reports (803.32)", e.facility),
        ("G Manufacturers", "contact and site", e.manufacturer),
        (
            "G Manufacturers",
            "report source, PMA or 510(k) number",
            " ".join(t for t in (e.source, e.submission) if t),
        ),
        ("G Manufacturers", "date received", e.aware.isoformat()),
        ("G Manufacturers", "type of report", report),
        ("G Manufacturers", "manufacturer report number", e.number),
        ("H Device manufacturers", "type of reportable event", e.reportable),
        ("H Device manufacturers", "evaluated by the manufacturer", e.evaluated),
        ("H Device manufacturers", "event, cause, component and conclusion codes (IMDRF)", e.codes),
        ("H Device manufacturers", "remedial action", e.remedy),
        ("H Device manufacturers", "further narrative or corrected data", e.further),
    ]


def event_command(folder: Path, path: Path, *, out: Path | None, today: date | None = None) -> None:
    """Draft the report of the event in ``path`` about the package of the finished run in ``folder``.

    A file that is not there is written as a form to fill. The day on which the maker became aware, the due day and the
    number go into the ledger; nothing about the patient does.

    Raises
    ------
    InputError
        No finished run, or an event that cannot be read.
    """
    run = read_finished(folder)
    if not path.is_file():
        fields = "".join(f"{name}: {_empty(name)}\n" for name in AdverseEvent.model_fields)
        write_text(path, f"# An event to report; the patient by a code, never by name.\n{fields}")
        console.print(f"{path}: a form to fill; then the same command again", highlight=False)
        return
    event = read_settings(path, AdverseEvent, "overread adverse-event writes a form")
    last = due(event.aware, five_day=event.remedial)
    left = (last - (today or date.today())).days
    rows = rows_of(event, run)
    lacking = [field for _, field, text in rows if not text]
    row = Ledger.open(folder / "ledger.db").append(
        EVENT,
        {
            "number": event.number,
            "aware": event.aware.isoformat(),
            "due": last.isoformat(),
            "five_day": event.remedial,
            "reportable": event.reportable,
            "package": run.manifest.sha256,
        },
    )
    style = "red" if left < 0 else "yellow" if left < 7 else "green"
    when = f"{-left} days ago" if left < 0 else f"in {left} days"
    console.print(f"  due [{style}]{last.isoformat()}[/] ({when}); ledger row {row.seq}", highlight=False)
    console.print(
        f"  {len(lacking)} of {len(rows)} fields to be written: {', '.join(lacking)}", highlight=False
    )
    if out is not None:
        data = {
            "due": last.isoformat(),
            "fields": [{"block": b, "field": f, "text": t} for b, f, t in rows],
            "lacking": lacking,
        }
        console.print(f"  {write_document(document_of(event, run, last), out, data=data)}", highlight=False)


def document_of(event: AdverseEvent, run: Finished, last: date) -> Document:
    """The draft, block by block."""
    rows = rows_of(event, run)
    parts: list[Part] = [
        Text(
            f"Due on {last.isoformat()}: {'5 work days' if event.remedial else '30 calendar days'} after "
            f"{event.aware.isoformat()} (21 CFR {'803.53' if event.remedial else '803.50'}). The authority's form and "
            "electronic submission decide what must be filled; check the blocks against them.",
            warning=True,
        )
    ]
    for block in dict.fromkeys(b for b, _, _ in rows):
        table: list[list[str | Cell]] = [
            [field, text if text else Cell((OPEN,), mark="missing")] for b, field, text in rows if b == block
        ]
        parts += [Heading(block, 2), Table(("Field", ""), table, (0.32, 0.68))]
    return Document(
        title=f"Draft of report {event.number}",
        subtitle="Manufacturer's report of an event, blocks of Form FDA 3500A (21 CFR 803.52)",
        bands=("Draft. Holds data of a patient: keep it out of mail and tickets.",),
        parts=parts,
        footer=footer_of(run),
    )


def _empty(name: str) -> str:
    choices = {
        "aware": "2026-01-01",
        "happened": "2026-01-01",
        "kind": "adverse event  # adverse event, product problem, both",
        "reportable": "malfunction  # death, serious injury, malfunction",
        "remedial": "false",
        "follow_up": "0",
        "score": "null",
        "inside_limits": "null",
        "attributable": "unknown  # yes, no, unknown",
        "number": "''",
    }
    return choices.get(name, "''")
