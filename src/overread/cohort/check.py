"""check: every fault of a cohort that can be found before training, in one report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from overread.cohort.checks.attributes import check_attributes
from overread.cohort.checks.classes import check_balance, check_class_names, check_mask_values, class_counts
from overread.cohort.checks.duplicates import check_duplicates
from overread.cohort.checks.finding import Finding
from overread.cohort.checks.geometry import check_geometry
from overread.cohort.checks.reading import check_blank, check_reading
from overread.cohort.checks.sight import look
from overread.cohort.cohort import Cohort

ORDER = ("blocking", "warning", "info")
STYLE = {"blocking": "bold red", "warning": "yellow", "info": "dim"}


@dataclass(frozen=True)
class CheckReport:
    """Findings, worst first, and counts of cases, patients and classes per split."""

    findings: tuple[Finding, ...]
    summary: dict[str, Any]

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings that must be mended before going on."""
        return tuple(f for f in self.findings if f.severity == "blocking")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that a person should decide about."""
        return tuple(f for f in self.findings if f.severity == "warning")

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON content."""
        counts: Counter[str] = Counter(f.severity for f in self.findings)
        return {
            "summary": self.summary,
            "counts": {s: counts[s] for s in ORDER},
            "findings": [{**asdict(f), "cases": list(f.cases)} for f in self.findings],
        }


def check_cohort(
    cohort: Cohort, *, task: str, labels: Sequence[str], progress: Callable[[], None] | None = None
) -> CheckReport:
    """Read every file of the cohort once and run all checks.

    Patients in two splits, missing columns and files are refused already by `Cohort.read`. Bad files are
    findings here, not exceptions, so that one run tells them all.

    Parameters
    ----------
    task
        ``"classification"`` or ``"segmentation"``.
    labels
        Class names; for segmentation the names of mask values 0, 1, 2 ...
    progress
        Called after each case.
    """
    segmentation = task == "segmentation"
    sights = []
    for case in cohort:
        sights.append(look(case, masks=segmentation))
        if progress:
            progress()
    findings = [
        *check_reading(sights),
        *(check_mask_values(sights, labels) if segmentation else check_class_names(sights, labels)),
        *check_duplicates(sights),
        *check_blank(sights),
        *check_geometry(sights),
        *check_balance(sights, labels, task),
        *check_attributes(sights),
    ]
    splits = {s: cohort.split(s) for s in ("train", "val", "test")}
    summary = {
        "cases": {s: len(cases) for s, cases in splits.items()},
        "patients": {s: len({c.patient for c in cases}) for s, cases in splits.items()},
        "classes": class_counts(sights, labels, task),
    }
    return CheckReport(tuple(sorted(findings, key=lambda f: ORDER.index(f.severity))), summary)


def print_report(report: CheckReport, console: Console | None = None) -> None:
    """Print the findings as a table, worst first."""
    console = console or Console()
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for f in report.findings:
        table.add_row(Text(f.severity, STYLE[f.severity]), Text(f.message))
    console.print(table)
    counts = Counter(f.severity for f in report.findings)
    console.print(f"{counts['blocking']} blocking, {counts['warning']} warnings", highlight=False)
