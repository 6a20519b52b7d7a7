"""check: look for faults in the cohort before anything is trained on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from overread.cohort.checks.page import write_check_page
from overread.cohort.checks.run import CheckReport, check_cohort, print_report
from overread.cohort.cohort import Cohort
from overread.cohort.hashes import digest_of_hashes, file_hashes
from overread.cohort.truth.labels import ruling
from overread.errors import BlockingError
from overread.files import write_json
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
    with stage_record(space, "check") as result:
        cohort = space.cohort(missing_channels=True)
        report = _checked(space, cohort)
        protocol = space.protocol
        said = ruling(
            space.cohort_as_read(missing_channels=True),
            protocol.labels,
            uncertain=protocol.uncertain,
            missing=protocol.missing,
        )
        report = replace(report, findings=(*report.findings, *said))
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
            progress=read_one,
            compared=compared,
            workers=None,
        )
        # Images without contrast are compared with nothing.
        display.update(comparing, completed=len(cohort))
        return report
