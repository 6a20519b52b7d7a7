"""The quality lead's door: the chain of evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from overread.cli.app import Folder, app

ledger = typer.Typer(no_args_is_help=True, help="Look into and verify the chain of evidence.")
app.add_typer(ledger, name="ledger")


@ledger.command("verify")
def ledger_verify(
    where: Annotated[str, typer.Argument(help="A protocol folder, a ledger file or a database URL.")],
    head: Annotated[
        str | None,
        typer.Option("--head", help="A head that was noted elsewhere: it must still be in the chain."),
    ] = None,
    anchor: Annotated[
        list[Path] | None, typer.Option("--anchor", help="A file that ledger anchor wrote. May repeat.")
    ] = None,
    authority: Annotated[
        Path | None,
        typer.Option("--authority", help="Certificates (PEM) of the authority that stamped anchors."),
    ] = None,
) -> None:
    """Recompute the chain; name the first row that was altered, removed or reordered, files that changed, and more."""
    from overread.ledger.commands import verify_command

    verify_command(where, head=head, anchors=anchor or [], authority=authority)


@ledger.command("export")
def ledger_export(
    where: Annotated[str, typer.Argument(help="A protocol folder, a ledger file or a database URL.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to make.")],
) -> None:
    """Write rows, hashes of files and signatures as files that sha256sum, Python and openssl can check."""
    from overread.ledger.commands import export_command

    export_command(where, out)


@ledger.command("anchor")
def ledger_anchor(
    where: Annotated[str, typer.Argument(help="A protocol folder, a ledger file or a database URL.")],
    out: Annotated[Path, typer.Option("--out", help="The anchor's file; keep it on another machine.")],
    url: Annotated[
        str | None, typer.Option("--url", help="Have it stamped by this time stamp authority (RFC 3161).")
    ] = None,
    request: Annotated[
        bool, typer.Option("--request", help="Write the request for a time stamp, to be sent by other means.")
    ] = False,
) -> None:
    """Note the head of the chain outside the machine: a file, a text to mail, a time stamp."""
    from overread.ledger.commands import anchor_command

    anchor_command(where, out, url=url, request=request)


@ledger.command("show")
def ledger_show(
    where: Annotated[str, typer.Argument(help="A protocol folder, a ledger file or a database URL.")],
    json_lines: Annotated[
        bool, typer.Option("--json", help="Whole events, one JSON object per line.")
    ] = False,
) -> None:
    """List the events, oldest first, one line each."""
    from overread.ledger.commands import show_command

    show_command(where, json_lines)


@app.command()
def trace(
    figure: Annotated[
        str | None,
        typer.Argument(metavar="NUMBER", help="A figure of the report, by its id or its printed value."),
    ] = None,
    folder: Annotated[Path, typer.Option("--dir", help="The protocol's folder.")] = Path(),
    every: Annotated[bool, typer.Option("--all", help="Every figure, and whether its way is whole.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
) -> None:
    """Follow a figure of a report back to metric, rows, package, plan, training, files, code, seeds and people."""
    from overread.pipeline.trace.command import trace_command

    trace_command(folder, figure, every=every, as_json=as_json)


Config = Annotated[Path, typer.Argument(metavar="clinic.yaml", help="The node's configuration.")]


@app.command()
def conformance(config: Config) -> None:
    """Print the DICOM conformance statement of a node."""
    from overread.clinic.config import load_config
    from overread.clinic.papers.conformance import conformance as statement

    typer.echo(statement(load_config(config)))


@app.command()
def mds2(config: Config) -> None:
    """Print the security disclosure of a node, by the sections of MDS2."""
    from overread.clinic.config import load_config
    from overread.clinic.papers.mds2 import disclosure

    typer.echo(disclosure(load_config(config)))


@app.command()
def sbom() -> None:
    """Print the software bill of materials of this installation (CycloneDX)."""
    from overread.regulatory.sbom import sbom as bill

    typer.echo(bill())


users = typer.Typer(no_args_is_help=True, help="Who may use a node's pages.")
app.add_typer(users, name="users")
Name = Annotated[str, typer.Argument(help="The user's name.")]
Roles = Annotated[list[str], typer.Option("--role", help="reader, operator or quality; may be given again.")]


@users.command("list")
def users_list(config: Config) -> None:
    """List users and their roles."""
    from overread.clinic.people_command import list_users

    list_users(config)


@users.command("add")
def users_add(config: Config, name: Name, role: Roles = ["reader"]) -> None:  # noqa: B006
    """Add a user; the password is printed once, and changed at the first login."""
    from overread.clinic.people_command import add_user

    add_user(config, name, role)


@users.command("reset")
def users_reset(config: Config, name: Name) -> None:
    """Give a user another password, which is printed once."""
    from overread.clinic.people_command import reset_user

    reset_user(config, name)


@users.command("lock")
def users_lock(
    config: Config, name: Name, undo: Annotated[bool, typer.Option("--undo", help="Let in again.")] = False
) -> None:
    """Lock a user out."""
    from overread.clinic.people_command import lock_user

    lock_user(config, name, undo)


Document = Annotated[
    Optional[Path], typer.Option("--out", help="File to write: .html, .pdf, .docx or .json.")
]


@app.command()
def checklist(
    name: Annotated[
        str, typer.Argument(help="CLAIM, STARD, STARD-AI, TRIPOD+AI, DECIDE-AI or GMLP.", metavar="NAME")
    ],
    folder: Folder,
    out: Document = None,
    ask: Annotated[
        bool, typer.Option("--ask", help="Write what only people can say into statements.yaml, as questions.")
    ] = False,
) -> None:
    """Fill a reporting checklist from a finished run: each item with its evidence, and what is missing."""
    from overread.regulatory.checklists.command import checklist_command

    checklist_command(name, folder, out=out, ask=ask)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="A finished run, or a package.")],
    second: Annotated[
        Optional[Path], typer.Argument(metavar="[B]", help="Another on the same cases.", show_default=False)
    ] = None,
    cases: Annotated[
        Optional[Path], typer.Option("--cases", help="Of packages: a folder with cohort.csv to answer.")
    ] = None,
    comparator: Annotated[
        Optional[str],
        typer.Option(
            help="Instead of B: a column of A's cohort.csv with what a comparator said of each case."
        ),
    ] = None,
    out: Document = None,
) -> None:
    """Hold two runs or packages side by side on the same cases: paired tests, threshold transfer, reclassification."""
    from overread.regulatory.comparison.document import compare_command

    compare_command(first, second, cases=cases, comparator=comparator, out=out)


@app.command()
def dossier(
    folder: Folder,
    out: Annotated[
        Optional[Path], typer.Option("--out", help="Folder to write; DIR/dossier without it.")
    ] = None,
    kind: Annotated[str, typer.Option("--as", help="html, pdf or docx.")] = "html",
    tests: Annotated[
        Optional[Path], typer.Option("--tests", help="Results of overread's own tests: pytest --junitxml.")
    ] = None,
) -> None:
    """Write the documents of a submission from a finished run: every statement with its evidence or its author."""
    from overread.regulatory.dossier.write import dossier_command

    dossier_command(folder, out=out, kind=kind, tests=tests)


@app.command()
def change(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The package that the plan begins from.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The package that would take its place.")],
    against: Annotated[Path, typer.Option("--against", help="change_plan.yaml, or the folder with it.")],
    cases: Annotated[Path, typer.Option("--cases", help="A folder with cohort.csv: the cases of the tests.")],
    out: Document = None,
) -> None:
    """Say whether a new package lies inside a change plan, by the plan's own tests; a row of the ledger either way."""
    from overread.regulatory.change.document import change_command

    change_command(old, new, against=against, cases=cases, out=out)


@app.command()
def qualify(
    folder: Folder,
    predictions: Annotated[int, typer.Option(help="Recorded predictions to compute anew.", min=1)] = 10,
    cases: Annotated[
        Optional[Path], typer.Option("--cases", help="Local cases: a folder with cohort.csv.")
    ] = None,
    metric: Annotated[str, typer.Option(help="Measure of the local acceptance test.")] = "",
    label: Annotated[Optional[str], typer.Option(help="The label it is about.")] = None,
    bound: Annotated[Optional[float], typer.Option(help="What its less favourable limit must reach.")] = None,
    least: Annotated[int, typer.Option(help="Local cases at least.", min=1)] = 30,
    out: Document = None,
) -> None:
    """Qualify this machine: installation, worked examples, recorded predictions, and a local acceptance test."""
    from overread.regulatory.qualify.command import qualify_command
    from overread.regulatory.qualify.run import Bound

    wanted = [cases is not None, bool(metric), bound is not None]
    if any(wanted) and not all(wanted):
        raise typer.BadParameter("--cases, --metric and --bound go together")
    stated = Bound(metric, bound, label, least) if bound is not None else None
    qualify_command(folder, predictions=predictions, cases=cases, bound=stated, out=out)


@app.command(name="adverse-event")
def adverse_event(
    folder: Folder,
    event: Annotated[Path, typer.Argument(metavar="EVENT.yaml", help="What is known; a form is written.")],
    out: Document = None,
) -> None:
    """Draft the report of an event (Form FDA 3500A) and say when it is due."""
    from overread.regulatory.events.report import event_command

    event_command(folder, event, out=out)


@app.command()
def report(
    folder: Folder,
    out: Annotated[
        Optional[Path], typer.Option("--out", help="File to write; DIR/report.pdf without it.")
    ] = None,
) -> None:
    """Write a finished run's report as PDF, each number with the name by which `overread trace` follows it."""
    from overread.pipeline.report.pdf import report_command

    report_command(folder, out=out)


@app.command()
def readers(
    table: Annotated[
        Path, typer.Argument(metavar="READINGS.csv", help="case, reader, treatment, rating, truth.")
    ],
    threshold: Annotated[
        Optional[float],
        typer.Option(help="Rating from which a reading is positive: sensitivity, specificity."),
    ] = None,
    folder: Annotated[
        Optional[Path], typer.Option("--dir", help="A protocol's folder, whose ledger keeps the result.")
    ] = None,
    out: Document = None,
) -> None:
    """Analyse a reader study: readers and cases both at random (multi-reader multi-case)."""
    from overread.regulatory.readers.study import readers_command

    readers_command(table, threshold=threshold, out=out, folder=folder)
