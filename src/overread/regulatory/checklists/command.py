"""`overread checklist`: fill, print what is missing, write."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from overread.regulatory.checklists.document import data_of, document_of
from overread.regulatory.checklists.fill import counts, fill
from overread.regulatory.checklists.lists import checklist
from overread.regulatory.documents.write import write_document
from overread.regulatory.finished import read_finished, trained_here
from overread.regulatory.statements import FILE, ask_for, read_statements
from overread.regulatory.topics import TOPICS

console = Console()


def checklist_command(name: str, folder: Path, *, out: Path | None, ask: bool) -> None:
    """Fill the checklist ``name`` from the finished run in ``folder``.

    ``out`` is written as its suffix says. ``ask`` adds what only people can say to statements.yaml, as questions.

    Raises
    ------
    InputError
        An unknown checklist, no finished run, evidence that does not verify, or statements without name or day.
    """
    wanted = checklist(name)
    run = trained_here(read_finished(folder, read_statements(folder, TOPICS)))
    filled = fill(wanted, run)
    n = counts(filled)
    console.print(
        f"{wanted.key}: {n['filled']} of {n['items']} items answered, {n['by evidence alone']} "
        f"({n['by evidence alone'] / n['items']:.0%}) by evidence alone; {n['partly']} in part, {n['missing']} not.",
        highlight=False,
    )
    for f in filled:
        for topic, what, who in f.missing:
            console.print(
                f"  {f.item.id:>4} {f.item.topic}: {what} [dim]({who}; {topic})[/]", highlight=False
            )
    if ask:
        lacking = {t: (what, who) for f in filled for t, what, who in f.missing}
        console.print(f"  {ask_for(folder, lacking)}: fill in text, by and on", highlight=False)
    elif n["filled"] < n["items"]:
        console.print(
            f"  Answers of people go into {folder / FILE}; --ask writes the questions there.", highlight=False
        )
    if out is not None:
        console.print(
            f"  {write_document(document_of(wanted, filled, run), out, data=data_of(wanted, filled, run))}",
            highlight=False,
        )
