"""test: open the sealed patients once after the lock, and report what the package answered."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overread.cohort.cohort import SEAL, Cohort
from overread.cohort.hashes import content_of_test, digest_of_hashes, file_hashes
from overread.commands import command
from overread.errors import InputError
from overread.evaluate.run import evaluate
from overread.files import atomic_path, quoted_cell, sha256_file, write_json
from overread.keys.commands import open_person
from overread.keys.ring import Person
from overread.ledger.environment import environment
from overread.ledger.ledger import Event
from overread.ledger.register import register
from overread.ledger.signatures import sign_row
from overread.pipeline.glances import glances
from overread.pipeline.looks import Looks, other_goals, since_earlier
from overread.pipeline.openings import EVENT, PATIENTS, identities, looks_before
from overread.pipeline.protocol import FILE as PROTOCOL
from overread.pipeline.report.content import report_content
from overread.pipeline.report.explained import show_explanations
from overread.pipeline.report.failures import failures_to_show
from overread.pipeline.report.gallery import Gallery
from overread.pipeline.report.kept import keep_report
from overread.pipeline.report.page import ReportFigures, write_report
from overread.pipeline.report.words import metric_name
from overread.pipeline.seal import is_sealed, recorded_root
from overread.pipeline.seal_opened import opened_test
from overread.pipeline.signing import check_signed
from overread.pipeline.stages.seeds import of_seeds, said_of_seeds
from overread.pipeline.workspace import Workspace, console, progress, stage_record
from overread.runtime.package import Package


def test_stage(folder: Path, *, who: str | None = None, passphrase_file: Path | None = None) -> None:
    """Answer the sealed test patients with the locked package; write report.json and report.html.

    ``who`` opens the seal of the test, where it has one, and signs the opening.

    Raises
    ------
    InputError
        What is there is not what was locked, a signature that the protocol asks for is not there, or nobody opens the
        seal.
    """
    space = Workspace.open(folder)
    package, cohort = _locked(space)
    check_signed(space)
    person = open_person(who, passphrase_file) if who is not None else None
    if not is_sealed(folder):
        _tested(space, package, cohort, _counted(space, package, cohort, person))
    elif person is None:
        raise InputError(
            f"{folder / SEAL}: the truth of the test cases is sealed; {command('test', folder, '--as', 'NAME')} "
            "opens it"
        )
    else:
        counted: list[Opening] = []
        with opened_test(
            space, person, before=lambda: counted.append(_counted(space, package, cohort, person))
        ) as opened:
            _tested(space, package, opened, counted[0])


@dataclass(frozen=True)
class Opening:
    """The ``row`` of an opening with those ``before`` it, the test's ``goals``, and the ``looks`` so far."""

    row: Event
    before: list[Event]
    goals: list[dict[str, Any]]
    looks: Looks


def _counted(space: Workspace, package: Package, cohort: Cohort, person: Person | None) -> Opening:
    """Add the opening to the ledger and to the machine's list, before anything of it is seen."""
    folder = space.folder
    cases = cohort.split("test")
    content = content_of_test(cases, folder)
    goals = [e.model_dump(mode="json") for e in space.protocol.endpoints]
    before, known = space.ledger.events(EVENT), looks_before(space.ledger)
    opened = space.ledger.append(
        EVENT,
        {
            "test": cohort.digest("test"),
            "content": content,
            "package": package.sha256,
            "goals": goals,
            "protocol_file": space.ledger.store(folder / PROTOCOL),
            PATIENTS: identities(cases),
        },
    )
    if person is not None:
        sign_row(space.ledger, opened.seq, person, meaning="opened")
    looked = glances(space)
    listed = register(content, chain_head=opened.hash)
    looks = Looks(
        openings=max(known, listed.before) + 1,
        elsewhere=max(0, listed.before - known),
        unlisted=listed.fault,
        glanced=looked,
    )
    return Opening(opened, before, goals, looks)


def _tested(space: Workspace, package: Package, cohort: Cohort, opening: Opening) -> None:
    """Answer every test case, and write the report."""
    folder, cases, looks, openings = space.folder, cohort.split("test"), opening.looks, opening.looks.openings
    with stage_record(space, "test") as result:
        gallery = Gallery(folder / "predictions")
        with progress("Test patients", len(cases)) as advance:
            evaluation = evaluate(
                package,
                cases,
                advance=advance,
                seen=gallery.add,
                unanswered=space.protocol.unanswered,
            )
        told = of_seeds(space, cases)
        predictions = _write_rows(folder / "predictions.csv", evaluation.rows)
        result.update(
            test=[m.as_dict() for m in evaluation.measured],
            seeds=told,
            openings=openings,
            openings_elsewhere=looks.elsewhere,
            openings_unlisted=looks.unlisted,
            exploratory=looks.exploratory(space.record_of("lock")["result"]),
            protocol_changes=since_earlier(space, opening.before),
            earlier_goals=other_goals(opening.before, opening.goals),
            opened_at=opening.row.time,
            predictions_sha256=sha256_file(predictions),
            package_sha256=package.sha256,
        )
    report = report_content(space, package, cohort, evaluation, result)
    write_json(folder / "report.json", report)
    page = write_report(
        folder, report, ReportFigures(evaluation.figures, gallery.pictures(failures_to_show(evaluation)))
    )
    gallery.close()
    keep_report(space)
    for m in evaluation.measured:
        found = m.interval
        console.print(
            f"  {metric_name(m.metric.key, m.label)}: {found.estimate:.3f} "
            f"({found.confidence:.0%} CI {found.low:.3f} to {found.high:.3f}) {m.unit}",
            highlight=False,
        )
    for text in said_of_seeds(told):
        console.print(f"  {text}", highlight=False)
    for missing in evaluation.not_computed:
        console.print(
            f"  {metric_name(missing.metric, missing.label)}: not computed ({missing.reason})",
            highlight=False,
        )
    console.print(f"  {page}", highlight=False)
    if openings > 1:
        other = f" ({looks.elsewhere} of them in other folders)" if looks.elsewhere else ""
        console.print(
            f"  [yellow]The test patients have now been opened {openings} times{other}; every number that comes of it "
            "is exploratory, and the report says so."
        )
    if looks.unlisted:
        console.print(
            f"  [yellow]Openings in other folders could not be counted: {looks.unlisted}", highlight=False
        )


def refresh_seconds(space: Workspace) -> None:
    """Bring the stage times in report.json, and the explanations in the page, up to date after a later stage."""
    path = space.folder / "report.json"
    if (space.folder / "record" / "explain.json").is_file():
        told = space.record_of("explain")["result"]
        pictures = [space.folder / name for name in told.get("pictures") or []]
        here = [p for p in pictures if p.is_file()]
        show_explanations(space.folder, here, method=str(told.get("method", "")))
    if path.is_file():
        report = json.loads(path.read_text(encoding="utf-8"))
        report["seconds"] = space.seconds()
        write_json(path, report)
        keep_report(space)


def _locked(space: Workspace) -> tuple[Package, Cohort]:
    """The locked package and cohort."""
    lock = space.record_of("lock")["result"]
    if lock["protocol_sha256"] != space.protocol.digest():
        raise InputError(
            f"{space.folder / 'protocol.yaml'}: changed after the lock; run {command('lock', space.folder)} again"
        )
    # Locks of earlier versions did not fix the code.
    if lock.get("code_sha256") not in (None, code := environment()["code_sha256"]):
        raise InputError(
            f"{space.folder}: the code of overread is not that of the lock (its hash is {code[:12]}, the lock has "
            f"{lock['code_sha256'][:12]}); run {command('lock', space.folder)} again"
        )
    if lock.get("seal_root", "") != recorded_root(space):
        raise InputError(
            f"{space.folder / SEAL}: is not the seal of the lock; restore it from a backup, or run "
            f"{command('lock', space.folder)} again"
        )
    package = Package.load(space.package_file)
    if lock["package_sha256"] != package.sha256:
        raise InputError(
            f"{space.package_file}: not the locked package; run {command('lock', space.folder)} again"
        )
    cohort = space.cohort()
    files = digest_of_hashes(file_hashes(cohort.split("test"), space.folder))
    if (lock["sealed_test_sha256"], lock["test_files_sha256"]) != (cohort.digest("test"), files):
        raise InputError(
            f"{space.folder / 'cohort.csv'}: test cases or their files changed after the lock; "
            f"run {command('lock', space.folder)} again"
        )
    return package, cohort


def _write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    columns = list(dict.fromkeys(k for r in rows for k in r))
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as f:
        writer = csv.DictWriter(f, columns, lineterminator="\n")
        writer.writeheader()
        # People open it in a spreadsheet, where a name that begins with = would be computed.
        writer.writerows({k: quoted_cell(v) if isinstance(v, str) else v for k, v in r.items()} for r in rows)
    return path
