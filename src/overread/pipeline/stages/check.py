"""check: look for faults in the cohort before anything is trained on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from overread.cohort.checks.page import write_check_page
from overread.cohort.checks.run import CheckReport, check_cohort, print_report
from overread.cohort.cohort import Cohort
from overread.cohort.finding import Finding
from overread.cohort.groups import AGES
from overread.cohort.hashes import digest_of_hashes, file_hashes
from overread.cohort.truth.labels import ruling
from overread.cohort.truth.protocol import Shown
from overread.errors import BlockingError
from overread.evaluate.rules import shortfall
from overread.files import write_json
from overread.pipeline.sample_size import size_findings
from overread.pipeline.seal import is_sealed, refuse_lying_open, refuse_unsealed
from overread.pipeline.validation_design import design_findings
from overread.pipeline.workspace import Workspace, bar, console, stage_record


def check_stage(folder: Path) -> None:
    """Write check.json and check.html and print the findings; a blocking one stops here.

    Raises
    ------
    BlockingError
        A blocking finding.
    InputError
        A table that cannot be read.
    """
    space = Workspace.open(folder)
    refuse_lying_open(space)
    if space.protocol.seal and not is_sealed(folder):
        refuse_unsealed(space)
    with stage_record(space, "check") as result:
        cohort = space.cohort(missing_channels=True)
        report = _checked(space, cohort)
        said = _ruled(space)
        report = replace(
            report,
            findings=(
                *report.findings,
                *said,
                *design_findings(space.protocol.design, cohort),
                *rule_findings(space, cohort),
                *size_findings(space, cohort),
            ),
        )
        write_json(folder / "check.json", report.as_dict())
        page = write_check_page(
            folder, cohort, report, name=space.protocol.name, virtual=space.protocol.virtual
        )
        print_report(report)
        console.print(f"  {page}", highlight=False)
        if report.blocking:
            first = report.blocking[0]
            raise BlockingError(f"{folder}: {first.message} (all findings: {page})")
        hashes = file_hashes(cohort.cases, folder)
        write_json(folder / "files.json", hashes)
        result.update(
            findings=len(report.findings),
            cohort_sha256=cohort.digest(),
            files=len(hashes),
            files_sha256=digest_of_hashes(hashes),
        )


def _ruled(space: Workspace) -> list[Finding]:
    """What the protocol's rules for uncertain and unstated labels do, where a truth knows such."""
    if not space.truth.UNSURE:
        return []
    p = space.protocol
    return ruling(
        space.cohort_as_read(missing_channels=True), p.labels, uncertain=p.uncertain, missing=p.missing
    )


def rule_findings(space: Workspace, cohort: Cohort) -> list[Finding]:
    """A warning for each label whose operating point the tuning patients are too few to promise."""
    p = space.protocol
    if p.facts.local:
        return []
    found = []
    tuning = [(c, space.truth.presence(c, Shown(), p.labels)) for c in cohort.split("val")]
    for label in [p.positive] if p.positive is not None else p.labels:
        people = [{c.patient for c, shown in tuning if shown.get(label) is state} for state in (True, False)]
        short = shortfall(p.rule(), positive=len(people[0]), negative=len(people[1]))
        if short:
            found.append(Finding("tuning.rule", "warning", f"{label}: {short}"))
    return found


def _checked(space: Workspace, cohort: Cohort) -> CheckReport:
    with bar() as display:
        reading = display.add_task("Checking cases", total=len(cohort))
        comparing = display.add_task("Comparing images", total=len(cohort), visible=False)

        def read_one() -> None:
            display.advance(reading)

        def compared(images: int) -> None:
            display.update(comparing, advance=images, visible=True)

        report = check_cohort(
            cohort,
            truth=space.protocol.facts.truth,
            labels=space.protocol.labels,
            ages=space.protocol.bands.get("age", AGES),
            progress=read_one,
            compared=compared,
            workers=None,
        )
        # Images without contrast are compared with nothing.
        display.update(comparing, completed=len(cohort))
        return report
