"""check: every fault of a cohort that can be found before training, in one report."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from overread.cohort.case import Case
from overread.cohort.checks.attributes import check_attributes
from overread.cohort.checks.balance import check_balance, class_counts
from overread.cohort.checks.duplicates import check_duplicates
from overread.cohort.checks.geometry import check_geometry
from overread.cohort.checks.guard import guarded
from overread.cohort.checks.inspection import Inspection, inspect_case
from overread.cohort.checks.near_duplicates import check_near_duplicates
from overread.cohort.checks.outliers import check_intensity, check_pixels, check_text
from overread.cohort.checks.presence import Presence, presence_of
from overread.cohort.checks.reading import check_blank, check_measured, check_reading
from overread.cohort.checks.shortcuts import check_shortcuts
from overread.cohort.checks.subgroups import Group, check_subgroups, groups
from overread.cohort.checks.visits import check_channels, check_identity, check_visits
from overread.cohort.cohort import Cohort
from overread.cohort.finding import Finding
from overread.cohort.groups import AGES
from overread.cohort.truth import TRUTHS

ORDER = ("blocking", "warning", "info")
STYLE = {"blocking": "bold red", "warning": "yellow", "info": "dim"}


# Processes cost a second to start.
MANY = 300


@dataclass(frozen=True)
class CheckReport:
    """Findings, worst first; counts of cases, patients and classes per split; groups of patients and what a test
    on them can prove; the kind of truth that was looked at."""

    findings: tuple[Finding, ...]
    summary: dict[str, Any]
    groups: tuple[Group, ...] = ()
    truth: str = ""

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
            "findings": [
                {**asdict(f), "cases": list(f.cases), "pairs": [list(p) for p in f.pairs]}
                for f in self.findings
            ],
            "groups": [g.as_dict() for g in self.groups],
        }


def check_cohort(
    cohort: Cohort,
    *,
    truth: str,
    labels: Sequence[str],
    ages: Sequence[float] = AGES,
    progress: Callable[[], None] | None = None,
    compared: Callable[[int], None] | None = None,
    workers: int | None = 1,
) -> CheckReport:
    """Read every file of the cohort once and run all checks.

    Patients in two splits, missing columns and files are refused already by `Cohort.read`. Bad files are
    findings here, not exceptions, so that one run tells them all, and a check that fails is one, too. Of each image
    some numbers and a thumbnail are kept, never the pixels.

    Parameters
    ----------
    truth
        What the labels are read from, a key of `overread.cohort.truth.TRUTHS`.
    labels
        The protocol's, as that kind of truth takes them: class names, findings, the names of mask values 0, 1, 2 ...
    ages
        Cut points of the age bands, years.
    progress
        Called after each case that was read.
    compared
        Called with how many images have just been compared with all others.
    workers
        Processes that read and compare; None takes as many as there are cores once a cohort is large. More than
        one needs a script that can be imported without running, as Python's ``multiprocessing`` does.
    """
    if workers is None:
        workers = (os.cpu_count() or 1) if len(cohort) >= MANY else 1
    processes = workers
    each = partial(inspect_case, truth=truth, labels=tuple(labels))
    inspections = [*_looks(cohort, each, processes, progress or (lambda: None))]
    nothing = Presence((), np.zeros((len(inspections), 0)))
    presence, failed = guarded(
        "which case shows which label", lambda: presence_of(inspections, truth=truth, labels=labels), nothing
    )
    found, more = guarded(
        "groups of patients", lambda: groups(inspections, presence, ages=ages), list[Group]()
    )
    findings = [*failed, *more]
    checks: dict[str, Callable[[], list[Finding]]] = {
        "files": lambda: check_reading(inspections),
        "measurements": lambda: check_measured(inspections),
        "the truth": lambda: TRUTHS[truth].faults(
            [(s.case, s.shown) for s in inspections if not s.case.sealed], labels
        ),
        "identical images": lambda: check_duplicates(inspections),
        "near-duplicates": lambda: check_near_duplicates(inspections, compared, processes),
        "identities in the headers": lambda: check_identity(inspections),
        "channels": lambda: check_channels(inspections, cohort.channels),
        "visits": lambda: check_visits(cohort.cases),
        "blank images": lambda: check_blank(inspections),
        "clipped images": lambda: check_pixels(inspections),
        "burned-in text": lambda: check_text(inspections),
        "sizes and spacings": lambda: check_geometry(inspections),
        "brightness and contrast": lambda: check_intensity(inspections),
        "shortcuts": lambda: check_shortcuts(inspections, presence),
        "balance": lambda: check_balance(inspections, presence),
        "attributes": lambda: check_attributes(inspections, presence),
        "subgroups": lambda: check_subgroups(found),
    }
    for what, check in checks.items():
        mine, failed = guarded(what, check, list[Finding]())
        findings += [*mine, *failed]
    splits = {s: cohort.split(s) for s in ("train", "val", "test")}
    summary = {
        "cases": {s: len(cases) for s, cases in splits.items()},
        "patients": {s: len({c.patient for c in cases}) for s, cases in splits.items()},
        "classes": class_counts(inspections, presence),
    }
    ordered = tuple(sorted(findings, key=lambda f: ORDER.index(f.severity)))
    return CheckReport(ordered, summary, tuple(found), truth)


def _looks(
    cohort: Cohort, each: Callable[[Case], Inspection], workers: int, progress: Callable[[], None]
) -> Iterator[Inspection]:
    """A look at every case, in order, here or in processes."""
    if workers <= 1:
        for case in cohort:
            yield each(case)
            progress()
        return
    chunk = max(1, min(50, len(cohort) // (4 * workers)))
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        for inspection in pool.map(each, cohort, chunksize=chunk):
            yield inspection
            progress()


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
