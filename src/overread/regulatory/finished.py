"""A finished run as paperwork reads it: report, package, ledger and what people stated, all verified first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from overread.commands import command
from overread.errors import InputError
from overread.ledger.files import changed_files
from overread.ledger.ledger import Event, Ledger
from overread.parse import parse_json
from overread.regulatory.found import Ref
from overread.regulatory.statements import Statement
from overread.runtime.manifest import Manifest
from overread.runtime.package import Package

REPORT = "report.json"


@dataclass(frozen=True)
class Finished:
    """What a run left in ``folder``: ``report`` (report.json), ``manifest`` (of the package), ``events`` (of the
    ledger, oldest first) and ``statements`` of people by topic."""

    folder: Path
    report: Mapping[str, Any]
    manifest: Manifest
    events: tuple[Event, ...]
    statements: Mapping[str, Statement] = field(default_factory=dict)

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The protocol as it was tested."""
        return dict(self.report["protocol"])

    @property
    def exploratory(self) -> list[str]:
        """Why no number confirms anything; empty for a first look after the lock."""
        return list(self.report.get("exploratory") or [])

    @property
    def virtual(self) -> bool:
        """The patients are simulated."""
        return bool(self.report.get("virtual"))

    def last(self, kind: str) -> Event | None:
        """The newest event of ``kind``."""
        return next((e for e in reversed(self.events) if e.kind == kind), None)

    def row(self, kind: str, what: str) -> tuple[Ref, ...]:
        """A reference to the newest event of ``kind``; none where there is none."""
        event = self.last(kind)
        return () if event is None else (Ref(what, f"ledger row {event.seq}, {event.hash[:12]}"),)

    def measured(self, metric: str, label: str | None = None) -> Mapping[str, Any] | None:
        """A row of the test by metric and label."""
        rows = self.report.get("test") or []
        return next((r for r in rows if (r["metric"], r["label"]) == (metric, label)), None)


def read_finished(folder: Path, statements: Mapping[str, Statement] | None = None) -> Finished:
    """The run in ``folder``.

    Raises
    ------
    InputError
        No report, a ledger that does not verify, or a file that is not what the ledger recorded: nothing is written
        about numbers that cannot be traced.
    """
    path, chain = folder / REPORT, folder / "ledger.db"
    if not path.is_file():
        raise InputError(f"{path}: no such file; run {command('test', folder)} first")
    ledger = Ledger.open(chain, create=False)
    verified = ledger.verify()
    if not verified.ok:
        raise InputError(
            f"{chain}: {verified.detail}; nothing that rests on it can be written. Restore it from a backup"
        )
    events = tuple(ledger.events())
    changed = changed_files(folder, events)
    if changed:
        raise InputError(f"{changed[0]}; restore the file, or run the stage that writes it again")
    report = parse_json(path.read_bytes(), str(path))
    package = Package.load(folder / report["package"]["path"])
    if package.sha256 != report["package"]["sha256"]:
        raise InputError(
            f"{package.path}: is not the package that {path} is about; test it, or put the old one back"
        )
    return Finished(folder, report, package.manifest, events, statements or {})


def trained_here(run: Finished) -> Finished:
    """``run`` itself. Raises InputError where its package was made elsewhere: no paper can tell of its training."""
    if run.report.get("made_elsewhere"):
        raise InputError(
            f"{run.folder}: the package was made elsewhere, and its training is not evidenced; its maker writes what "
            "describes it, report.html holds the test"
        )
    return run


def check_of(run: Finished) -> Mapping[str, Any]:
    """check.json as the report keeps it; empty where no check ran."""
    return dict(run.report.get("check") or {})


def record_of(run: Finished, stage: str) -> Mapping[str, Any]:
    """The result of ``stage`` from its record; empty where it did not run."""
    path = run.folder / "record" / f"{stage}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))["result"]) if path.is_file() else {}
