"""The change plan as a document, and `overread change`: the judgement of a new package, kept in the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from overread.errors import BlockingError, InputError
from overread.ledger.ledger import Ledger
from overread.regulatory.brand import RESEARCH
from overread.regulatory.change.judge import Check, judge_change
from overread.regulatory.change.plan import FILE, ChangePlan, check_metrics, read_plan
from overread.regulatory.comparison.document import data_of as comparison_data
from overread.regulatory.comparison.document import document_of as comparison_document
from overread.regulatory.comparison.paired import Comparison, compare
from overread.regulatory.comparison.side import sides_of_packages
from overread.regulatory.documents.parts import Cell, Document, Heading, Part, Table, Text
from overread.regulatory.documents.write import write_document

EVENT = "change.judged"
NO_DATA = (
    "as many cases as below or more, apart from training and tuning; their origin is to be written by the data "
    "manager"
)
console = Console()


def plan_parts(plan: ChangePlan) -> list[Part]:
    """Description of modifications, protocol, traceability and impact, in the order of FDA's guidance of 2024."""
    mods: list[list[str | Cell]] = [
        [
            m.id,
            Cell((m.what,), (m.why,)),
            m.kind,
            f"{m.scope}, by {m.by}",
            ", ".join(["weights", "thresholds", "calibration", *m.parts]),
        ]
        for m in plan.modifications
    ]
    tests: list[list[str | Cell]] = [
        [
            f"{a.metric}{f' of {a.label}' if a.label else ''}",
            f"not worse by {a.margin:g} or more, on the limit of the paired difference",
            "–" if a.reach is None else f"limit reaches {a.reach:g}",
            {"own": "its own", "kept": "those of the old package"}[a.thresholds],
        ]
        for a in plan.acceptance
    ]
    trace: list[list[str | Cell]] = [
        [
            m.id,
            "data: cases of their own, apart from training; re-training: the same stages and "
            "lock; evaluation: every test below; update: new version, new lock",
        ]
        for m in plan.modifications
    ]
    return [
        Text(
            f"Begins from package {plan.package[:12]}, version {plan.version}. Intended use, "
            f"unchanged by any modification: {plan.intended_use or 'not stated'}"
        ),
        Heading("Description of modifications"),
        Table(("Id", "Modification", "Kind", "Scope", "May move"), mods, (0.07, 0.38, 0.14, 0.18, 0.23)),
        Text(f"Cadence and trigger: {plan.cadence or 'to be written by the quality and regulatory lead'}."),
        Heading("Modification protocol"),
        Text(f"Data: {plan.data or NO_DATA}."),
        Text(
            f"Acceptance on at least {plan.least_cases} cases, old and new package on the same "
            "ones; all tests must pass."
        ),
        Table(
            ("Measure", "Against the old package", "By itself", "Thresholds"), tests, (0.26, 0.36, 0.18, 0.2)
        ),
        Text(f"If a test fails: {plan.on_failure}"),
        Text(f"Notice to users: {plan.notice or 'to be written by the quality and regulatory lead'}."),
        Heading("Traceability"),
        Table(("Modification", "Parts of the protocol that cover it"), trace, (0.2, 0.8)),
        Heading("Impact"),
        Text(
            "Each modification beside the device without it, benefits and risks, and how modifications "
            "bear on one another: to be written by the risk manager; the hazards stand in 06-risk "
            "(H1, H2, H6, H9)."
        ),
    ]


def judgement(plan: ChangePlan, checks: list[Check], c: Comparison) -> Document:
    """The verdict first, then every question, then the whole comparison."""
    inside = all(k.holds for k in checks)
    rest = comparison_document(c)
    rows: list[list[str | Cell]] = [
        [k.name, k.said, Cell(("holds",) if k.holds else ("fails",), mark="filled" if k.holds else "missing")]
        for k in checks
    ]
    word = (
        "INSIDE the plan: every question holds."
        if inside
        else "OUTSIDE the plan: " + "; ".join(k.name for k in checks if not k.holds) + "."
    )
    return Document(
        title=f"Change from {c.first.manifest.version} to {c.second.manifest.version}",
        subtitle="Held against the predetermined change control plan",
        bands=rest.bands or [RESEARCH],
        parts=[
            Text(word, warning=not inside),
            Table(("Question", "Found", ""), rows, (0.24, 0.64, 0.12)),
            Text(
                plan.on_failure
                if not inside
                else "Release still needs the update procedures of the plan, and whoever signs them."
            ),
            *rest.parts,
        ],
    )


def change_command(old: Path, new: Path, *, against: Path, cases: Path, out: Path | None) -> None:
    """Judge ``new`` against the plan; write the document, and a row in the ledger beside the plan, whatever comes out.

    Raises
    ------
    BlockingError
        The change is outside the plan (exit code 3 of the command line's own): nothing may be released by it.
    InputError
        A plan, package or case that cannot be read.
    """
    folder = against if against.is_dir() else against.parent
    plan = read_plan(against)
    check_metrics(plan, against)
    first, second = sides_of_packages([old, new], cases, held_out=True)
    c = compare(first, second)
    checks = [*_as_before(plan, folder), *judge_change(plan, c)]
    inside = all(k.holds for k in checks)
    for k in checks:
        console.print(
            f"  {'[green]holds' if k.holds else '[red]fails'}[/] {k.name}: {k.said}", highlight=False
        )
    if (folder / "ledger.db").is_file():
        event = Ledger.open(folder / "ledger.db").append(EVENT, _event(plan, checks, c))
        console.print(f"  ledger row {event.seq}", highlight=False)
    else:
        console.print(f"  [yellow]{folder} holds no ledger: nothing keeps this judgement.", highlight=False)
    if out is not None:
        data = {"inside": inside, "checks": [k.as_dict() for k in checks], "comparison": comparison_data(c)}
        console.print(f"  {write_document(judgement(plan, checks, c), out, data=data)}", highlight=False)
    if not inside:
        failed = "; ".join(k.name for k in checks if not k.holds)
        raise BlockingError(f"{new}: outside the plan {folder / FILE} ({failed}). {plan.on_failure}")
    console.print("[bold green]Inside the plan.", highlight=False)


def _as_before(plan: ChangePlan, folder: Path) -> list[Check]:
    """That the plan is the one by which changes of this package were judged before; nothing for the first."""
    if not (folder / "ledger.db").is_file():
        return []
    rows = [
        e
        for e in Ledger.open(folder / "ledger.db").events(EVENT)
        if e.data["plan"]["package"] == plan.package
    ]
    other = [e.seq for e in rows if e.data["plan"] != plan.model_dump(mode="json")]
    said = f"judged for the {len(rows) + 1}. time by it"
    if other:
        said = f"was another one in row {other[0]} of the ledger: a plan that moves with its results decides nothing"
    return [Check("plan", not other, said)] if rows else []


def _event(plan: ChangePlan, checks: list[Check], c: Comparison) -> dict[str, Any]:
    return {
        "plan": plan.model_dump(mode="json"),
        "old": c.first.manifest.sha256,
        "new": c.second.manifest.sha256,
        "cases": c.cases,
        "inside": all(k.holds for k in checks),
        "checks": [k.as_dict() for k in checks],
    }


def plan_beside(folder: Path) -> ChangePlan | None:
    """The plan in ``folder``, None where there is none. Raises InputError for one that cannot be read."""
    try:
        return read_plan(folder) if (folder / FILE).is_file() else None
    except InputError as error:
        raise InputError(f"{error}; mend or remove it") from error
