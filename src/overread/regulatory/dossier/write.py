"""`overread dossier`: every chapter as a file, an index, the bill of materials, and a change plan to begin from."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from overread.errors import InputError
from overread.files import sha256_file, write_json, write_text
from overread.regulatory.brand import bands_of, footer_of
from overread.regulatory.change.document import plan_parts
from overread.regulatory.change.plan import FILE as PLAN
from overread.regulatory.change.plan import read_plan, write_proposal
from overread.regulatory.checklists.document import data_of, document_of
from overread.regulatory.checklists.fill import counts, fill
from overread.regulatory.checklists.lists import FILES, checklist
from overread.regulatory.documents.html import html_of
from overread.regulatory.documents.parts import Document, Part, Table, Text
from overread.regulatory.documents.write import write_document
from overread.regulatory.dossier.chapters import CHAPTERS
from overread.regulatory.dossier.tested import read_tests
from overread.regulatory.finished import Finished, read_finished, trained_here
from overread.regulatory.sbom import sbom
from overread.regulatory.statements import read_statements
from overread.regulatory.topics import TOPICS

KINDS = ("html", "pdf", "docx")
console = Console()


def dossier_command(folder: Path, *, out: Path | None, kind: str, tests: Path | None) -> None:
    """Write the dossier of the finished run in ``folder`` to ``out``, by default ``folder/dossier``.

    Raises
    ------
    InputError
        No finished run, evidence that does not verify, an unknown kind of file, or test results that cannot be read.
    """
    if kind not in KINDS:
        raise InputError(f"--as: found {kind!r}, expected one of {', '.join(KINDS)}")
    run = trained_here(read_finished(folder, read_statements(folder, TOPICS)))
    results = None if tests is None else read_tests(tests)
    target = out or folder / "dossier"
    plan = read_plan(write_proposal(run, folder / PLAN))
    written: list[tuple[str, str, str]] = []

    def write(key: str, title: str, parts: list[Part]) -> None:
        document = Document(
            title=title,
            subtitle=f"{run.report['name']}, package version {run.manifest.version}",
            bands=bands_of(run),
            parts=parts,
            footer=footer_of(run),
        )
        path = write_document(document, target / f"{key}.{kind}", data={})
        open_points = sum(isinstance(p, Text) and "o be written by the" in p.text for p in parts)
        written.append(
            (path.name, title, f"{open_points} points to be written" if open_points else "complete")
        )

    for chapter in CHAPTERS:
        write(chapter.key, chapter.title, chapter.parts(run, results))
    write("09-change-plan", "Predetermined change control plan", plan_parts(plan))
    for name in FILES:
        filled = fill(checklist(name), run)
        path = target / f"checklist-{FILES[name]}.{kind}"
        write_document(
            document_of(checklist(name), filled, run), path, data=data_of(checklist(name), filled, run)
        )
        n = counts(filled)
        written.append((path.name, checklist(name).title, f"{n['filled']} of {n['items']} items answered"))
    write_text(target / "sbom.cdx.json", sbom())
    written.append(("sbom.cdx.json", "Bill of materials, CycloneDX", "complete"))
    _index(run, target, sorted(written))
    for name, title, state in sorted(written):
        console.print(f"  {name}: {title} [dim]({state})[/]", highlight=False)
    console.print(f"{target / 'index.html'}", highlight=False)


def _index(run: Finished, target: Path, written: list[tuple[str, str, str]]) -> None:
    document = Document(
        title=f"Dossier: {run.report['name']}",
        subtitle=f"Package version {run.manifest.version}, SHA-256 {run.report['package']['sha256']}",
        bands=bands_of(run),
        parts=[
            Text(
                "Every document is a view of the same evidence. What only people can say stands "
                "in statements.yaml; overread checklist --ask writes the questions there."
            ),
            Table(("File", "What", "State"), [list(row) for row in written], (0.32, 0.43, 0.25)),
        ],
        footer=footer_of(run),
    )
    write_text(target / "index.html", html_of(document))
    write_json(
        target / "index.json",
        {
            "name": run.report["name"],
            "package": run.report["package"]["sha256"],
            "exploratory": run.exploratory,
            "ledger_head": run.events[-1].hash,
            "files": {name: sha256_file(target / name) for name, _, _ in written},
        },
    )
