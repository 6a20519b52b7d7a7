"""A filled checklist as a document."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from overread.regulatory.brand import bands_of, footer_of
from overread.regulatory.checklists.fill import Filled, counts
from overread.regulatory.checklists.lists import Checklist
from overread.regulatory.documents.parts import Cell, Document, Heading, Part, Table, Text
from overread.regulatory.finished import Finished

MOST_SENTENCES = 12
MOST_REFERENCES = 8
WORDS = {"filled": "answered", "partly": "partly", "missing": "missing"}


def document_of(checklist: Checklist, filled: Sequence[Filled], run: Finished) -> Document:
    """Items by section, each with its answer, the evidence, and what is missing and who must write it."""
    n = counts(filled)
    parts: list[Part] = [
        Text(
            f"{n['filled']} of {n['items']} items are answered, {n['by evidence alone']} of them by evidence alone; "
            f"{n['partly']} in part, {n['missing']} not. Every answer names the evidence that it stands on: a path in "
            "square brackets is what overread trace takes."
        ),
        Text(f"Items are in our own words ({checklist.wording}). Source: {checklist.source}.", quiet=True),
    ]
    for section, items in groupby(filled, key=lambda f: f.item.section):
        parts += [
            Heading(section),
            Table(
                ("Item", "Asks", "Answer and evidence", ""), [_row(f) for f in items], (0.07, 0.2, 0.6, 0.13)
            ),
        ]
    return Document(
        title=f"{checklist.key}: {run.report['name']}",
        subtitle=f"{checklist.title} · package version {run.manifest.version}",
        bands=bands_of(run),
        parts=parts,
        footer=footer_of(run),
    )


def data_of(checklist: Checklist, filled: Sequence[Filled], run: Finished) -> dict[str, Any]:
    """The same as plain JSON content."""
    return {
        "checklist": checklist.key,
        "title": checklist.title,
        "source": checklist.source,
        "wording": checklist.wording,
        "name": run.report["name"],
        "package": dict(run.report["package"]),
        "exploratory": run.exploratory,
        "virtual": run.virtual,
        "ledger_head": run.events[-1].hash,
        "counts": counts(filled),
        "items": [f.as_dict() for f in filled],
    }


def _row(f: Filled) -> list[str | Cell]:
    said = f.said[:MOST_SENTENCES]
    if len(f.said) > MOST_SENTENCES:
        said.append(f"... and {len(f.said) - MOST_SENTENCES} more in the JSON export and the report.")
    lacking = [f"Missing: {what} ({who}; topic {topic})." for topic, what, who in f.missing]
    on = [str(r) for r in f.on]
    shown = on[:MOST_REFERENCES] + (
        [f"and {len(on) - MOST_REFERENCES} more"] if len(on) > MOST_REFERENCES else []
    )
    evidence = [f"Evidence: {'; '.join(shown)}"] if shown else []
    return [
        f.item.id,
        Cell((f.item.topic,), (f.item.ask,)),
        Cell((*said, *lacking), evidence),
        Cell((WORDS[f.state],), mark=f.state),
    ]
