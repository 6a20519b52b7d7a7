"""Workspace: a protocol's folder, its ledger, and the record that every stage leaves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

import overread
from overread.cohort.cohort import Cohort
from overread.cohort.truth import TRUTHS
from overread.cohort.truth.labels import ruled
from overread.cohort.truth.protocol import Truth
from overread.commands import command
from overread.errors import InputError
from overread.files import write_json
from overread.ledger.environment import environment
from overread.ledger.heads import remember
from overread.ledger.ledger import Ledger
from overread.pipeline.evidence import DIGEST, chain, check_record, digest_of, verify_chain
from overread.pipeline.protocol import Protocol, read_protocol

STAGES = ("init", "check", "plan", "train", "package", "lock", "test", "explain")
console = Console()


@dataclass(frozen=True)
class Workspace:
    """A protocol's folder with its parts by name."""

    folder: Path
    protocol: Protocol

    @classmethod
    def open(cls, folder: Path) -> Workspace:
        """Read the protocol in ``folder`` and verify its ledger. Raises InputError."""
        protocol = read_protocol(folder)
        verify_chain(folder)
        return cls(folder, protocol)

    @property
    def ledger(self) -> Ledger:
        """The folder's chain of evidence. Raises InputError where it is gone but records of stages are there."""
        return chain(self.folder)

    @property
    def plan_file(self) -> Path:
        """The plan, readable and editable."""
        return self.folder / "plan.json"

    @property
    def model(self) -> Path:
        """What training left: weights, the plan they were trained by, history."""
        return self.folder / "model"

    @property
    def package_file(self) -> Path:
        """The portable package."""
        return self.folder / "package" / f"{self.protocol.name}-{self.protocol.version}.overread"

    def cohort_as_read(self, *, missing_channels: bool = False) -> Cohort:
        """The cohort before the protocol's rules for uncertain and unstated findings. Raises InputError."""
        p = self.protocol
        return Cohort.read(
            self.folder,
            need=self.truth.COLUMN,
            labels=p.labels,
            fractions=p.split,
            missing_channels=missing_channels,
            bounds=p.quantity.bounds if p.quantity else (None, None),
        )

    def cohort(self, *, missing_channels: bool = False) -> Cohort:
        """The cohort, checked against the protocol; see `Cohort.read`. Raises InputError."""
        p = self.protocol
        cohort = self.cohort_as_read(missing_channels=missing_channels)
        cohort = ruled(cohort, uncertain=p.uncertain, missing=p.missing)
        names = tuple(c.name for c in p.channels)
        if cohort.channels != names:
            raise InputError(
                f"{self.folder / 'cohort.csv'}: image columns are {', '.join(cohort.channels)}, protocol.yaml has "
                "channels "
                f"{', '.join(names)}; expected the same names in the same order"
            )
        columns = {k for c in cohort for k in c.attributes}
        unknown = [name for name in p.subgroups if name not in columns]
        if unknown:
            raise InputError(
                f"{self.folder / 'protocol.yaml'}: subgroups: cohort.csv has no column {unknown[0]!r}; "
                f"it has {', '.join(sorted(columns)) or 'no attributes'}"
            )
        return cohort

    @property
    def truth(self) -> Truth:
        """What kind of truth the protocol's task learns from."""
        return TRUTHS[self.protocol.facts.truth]

    def record_of(self, stage: str) -> dict[str, Any]:
        """What ``stage`` left in record/<stage>.json.

        Raises
        ------
        InputError
            The stage has not run, or the file is not what its last run wrote.
        """
        path = self.folder / "record" / f"{stage}.json"
        if not path.is_file():
            raise InputError(f"{path}: no such file; run {command(stage, self.folder)} first")
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(
                f"{path}: is damaged ({error}); run {command(stage, self.folder)} again"
            ) from error
        check_record(path, content, self.ledger, stage)
        return content

    def seconds(self) -> dict[str, float]:
        """Duration of each stage that has run."""
        done = [s for s in STAGES if (self.folder / "record" / f"{s}.json").is_file()]
        return {s: self.record_of(s)["seconds"] for s in done}


@contextmanager
def stage_record(space: Workspace, stage: str) -> Iterator[dict[str, Any]]:
    """Run a stage: what it puts into the yielded dict becomes record/<stage>.json and a ledger event.

    The event holds a hash of the whole record and on what it was computed. Nothing is recorded when the stage fails.
    """
    console.rule(f"[bold]{stage}", align="left", style="dim")
    began, started = time.perf_counter(), datetime.now(UTC)
    result: dict[str, Any] = {}
    yield result
    seconds = round(time.perf_counter() - began, 2)
    event = space.ledger.append(
        f"pipeline.{stage}",
        {
            "protocol": space.protocol.digest(),
            "seconds": seconds,
            "environment": environment(),
            DIGEST: digest_of(result),
            **_short(result),
        },
    )
    remember(space.folder, space.ledger.events(limit=1)[0].hash, event)
    write_json(
        space.folder / "record" / f"{stage}.json",
        {
            "stage": stage,
            "started": started.isoformat(timespec="seconds"),
            "seconds": seconds,
            "overread": overread.__version__,
            "protocol_sha256": space.protocol.digest(),
            "ledger": {"seq": event.seq, "hash": event.hash},
            "result": result,
        },
    )


def _short(result: dict[str, Any]) -> dict[str, Any]:
    """The part of a result that belongs into the chain: hashes, paths and headline numbers."""
    return {
        k: v
        for k, v in result.items()
        if isinstance(v, str | int | float | bool) or k in ("test", "evidence", "files")
    }


@contextmanager
def progress(description: str, total: int, *, on: Console = console) -> Iterator[Callable[[], None]]:
    """A progress bar ``on`` a console; call the yielded function once per item."""
    with bar(on=on) as display:
        task = display.add_task(description, total=total)
        yield lambda: display.advance(task)


def bar(*columns: Any, on: Console = console) -> Progress:
    """The project's progress bar, with further columns at its end."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=18),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        *columns,
        console=on,
    )
