"""The way from a figure back to its pixels, as data: what was recorded, and where a step is missing or was changed."""

from __future__ import annotations

import csv
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from overread.cohort.cohort import FILE as COHORT
from overread.commands import command
from overread.errors import InputError
from overread.evaluate.metrics import METRICS
from overread.keys.ring import Keyring
from overread.ledger.figures import Figure, figures_of
from overread.ledger.ledger import Event
from overread.ledger.signatures import signatures
from overread.parse import parse_json
from overread.pipeline.openings import EVENT
from overread.pipeline.report.words import interval, metric_name, number
from overread.pipeline.trace.images import FILE, Images
from overread.pipeline.trace.members import STAGES, Members, key_of, members
from overread.pipeline.trace.recorded import Recorded
from overread.pipeline.workspace import Workspace

T = TypeVar("T")
REPORT = "report.json"
MEASURED = ("metric", "label", "unit", "estimate", "low", "high", "confidence", "method", "n")
FACTS = (
    *(
        "cohort_sha256",
        "files_sha256",
        "sealed_test_sha256",
        "plan_sha256",
        "weights_sha256",
        "sha256",
        "package_sha256",
    ),
    *("protocol_file_sha256", "predictions_sha256", "seed", "epochs", "package", "openings", "device"),
)
"""What of a stage's row the way shows."""


def read_report(folder: Path) -> dict[str, Any]:
    """report.json of a protocol. Raises InputError where there is none."""
    path = folder / REPORT
    if not path.is_file():
        raise InputError(f"{path}: no such file; run {command('test', folder)} first")
    content = parse_json(path.read_bytes(), str(path))
    if not isinstance(content, dict):
        raise InputError(f"{path}: found {type(content).__name__}, expected the report that the test wrote")
    return content


def text_of(figure: Figure) -> str:
    """A figure as the report prints it: number, limits and unit."""
    row = figure.row or {}
    shown = interval(dict(row)) if {"low", "high"} <= row.keys() else number(figure.value)
    return f"{shown} {row.get('unit') or ''}".strip()


class Way:
    """A protocol's evidence, read once, from which the way of every figure is told."""

    def __init__(self, folder: Path) -> None:
        self.space = Workspace.open(folder)
        self.report = read_report(folder)
        self.figures = figures_of(self.report)
        self.cohort = self.space.cohort(missing_channels=True)
        self.events = self.space.ledger.events()
        self.recorded = Recorded(folder, self.events)
        self.images = Images(self.space.folder)
        self._told: dict[Hashable, tuple[Any, list[str]]] = {}

    def of(self, figure: Figure, *, rehash: bool = True) -> dict[str, Any]:
        """Everything that ``figure`` rests on. ``missing`` says, a sentence each, which steps cannot be shown.

        ``rehash`` compares the images with their recorded hashes, too; without it these are told as recorded.
        """
        chosen = self.members(figure)
        missing: list[str] = []
        group = (figure.row or {}).get("group")
        if chosen.kind == "answers" and chosen.cases and group not in (None, "", chosen.group):
            missing.append(
                f"{figure.id}: which cases are of the group {group!r} cannot be told from the table"
            )
        key = key_of(figure.id, self.space.protocol)
        stages = self._once(("stages", chosen.kind), lambda m: self._stages(chosen, m), missing)
        told = {
            "figure": {"id": figure.id, "text": text_of(figure), "value": figure.value}
            | self._measured(figure),
            "definition": self._definition(figure),
            "recorded": self._agrees(figure, missing),
            "rows": self._once(("rows", key), lambda m: self._rows(chosen, m), missing),
            "files": self._once(
                ("files", key, rehash), lambda m: self._files(chosen, m, rehash=rehash), missing
            ),
            "documents": self._once("documents", self._documents, missing),
            "package": self.report.get("package"),
            "seeds": self._seeds(),
            "stages": stages,
            "people": self._once(("people", chosen.kind), lambda _: self._people(stages), missing),
            "openings": self.report.get("openings"),
            "exploratory": list(self.report.get("exploratory") or []),
        }
        return told | {"missing": list(dict.fromkeys(missing))}

    def members(self, figure: Figure) -> Members:
        """The cases that ``figure`` was computed of."""
        key = key_of(figure.id, self.space.protocol)
        return self._once(
            ("members", key), lambda _: members(figure.id, self.cohort, self.space.protocol), []
        )

    def _once(self, key: Hashable, tell: Callable[[list[str]], T], missing: list[str]) -> T:
        """What ``tell`` says, asked once of all figures that share it; what it misses is added for each of them."""
        if key not in self._told:
            lacks: list[str] = []
            self._told[key] = tell(lacks), lacks
        value, lacks = self._told[key]
        missing += lacks
        return cast(T, value)

    def _stages(self, chosen: Members, missing: list[str]) -> list[dict[str, Any]]:
        return [s for s in (self._stage(name, missing) for name in STAGES[chosen.kind]) if s]

    def _measured(self, figure: Figure) -> dict[str, Any]:
        row = figure.row or {}
        return {k: row[k] for k in MEASURED if k in row}

    def _definition(self, figure: Figure) -> dict[str, Any]:
        key = str((figure.row or {}).get("metric") or "")
        parts = figure.id.split("/")
        key = key if key in METRICS else next((p for p in parts if p in METRICS), "")
        if not key:
            return {"name": " ".join(parts).replace("_", " ")}
        label = (figure.row or {}).get("label")
        return {"name": metric_name(key, label), "meaning": METRICS[key].meaning, "key": key}

    def _agrees(self, figure: Figure, missing: list[str]) -> str:
        """Whether the ledger recorded the same figure, and the report as it is."""
        row = self._last("pipeline.test")
        if figure.id.startswith("test/") and row is not None and figure.row is not None:
            same = [
                r for r in row.data.get("test", ()) if all(r.get(k) == figure.row.get(k) for k in MEASURED)
            ]
            if same:
                return f"the same in row {row.seq} of the ledger"
            missing.append(
                f"row {row.seq} of the ledger does not hold this figure: {REPORT} was changed, or is of another test"
            )
        return self.recorded.state(REPORT, missing)

    def _rows(self, chosen: Members, missing: list[str]) -> dict[str, Any]:
        name = "predictions.csv" if chosen.kind == "answers" else self._table
        state = self.recorded.state(name, missing) if chosen.cases else ""
        return {
            "file": name if chosen.cases else None,
            "sha256": self.recorded.hash(name) if chosen.cases else None,
            "state": state,
            "chosen": chosen.chosen,
            "cases": [c.case for c in chosen.cases],
            "numbers": self._numbers(name, chosen),
            "patients": len({c.patient for c in chosen.cases}),
        }

    def _numbers(self, name: str, chosen: Members) -> list[int]:
        """Numbers of the rows that hold the cases, as a spreadsheet shows them: the header is row 1 of a CSV file."""
        if name == self._table:
            return [c.row for c in chosen.cases]
        path, wanted = self.space.folder / name, {c.case for c in chosen.cases}
        if not wanted or not path.is_file():
            return []
        with path.open(encoding="utf-8", newline="") as f:
            return [n for n, row in enumerate(csv.DictReader(f), 2) if row.get("case") in wanted]

    @property
    def _table(self) -> str:
        return COHORT if (self.space.folder / COHORT).is_file() else "cohort.parquet"

    def _files(self, chosen: Members, missing: list[str], *, rehash: bool) -> list[dict[str, str]]:
        """Images and truths of the cases, with the hashes that the check recorded."""
        if not chosen.cases:
            return []
        if not self.images.listed:
            path = self.space.folder / FILE
            missing.append(
                f"{path}: no such file; it holds the hashes of the images, and the check writes it"
            )
            return []
        self.recorded.state(FILE, missing)
        out = []
        for case in chosen.cases:
            told, wrong = self.images.of(case, rehash=rehash)
            out += told
            missing += wrong
        return out

    def _documents(self, missing: list[str]) -> dict[str, dict[str, str]]:
        """Protocol, table and package, each with its hash and whether the ledger recorded it so."""
        names = ["protocol.yaml", self._table, str((self.report.get("package") or {}).get("path", ""))]
        return {
            n: {"sha256": self.recorded.hash(n) or "", "state": self.recorded.state(n, missing)}
            for n in names
            if n
        }

    def _last(self, kind: str) -> Event | None:
        return next((e for e in reversed(self.events) if e.kind == kind), None)

    def _stage(self, name: str, missing: list[str]) -> dict[str, Any] | None:
        event = self._last(EVENT if name == "opened" else f"pipeline.{name}")
        if event is None:
            if name != "explain":
                missing.append(f"the ledger has no row of {name}")
            return None
        data = event.data
        code = dict(data.get("environment") or {})
        return {
            "stage": name,
            "row": event.seq,
            "hash": event.hash,
            "time": event.time,
            "actor": event.actor,
            "facts": {k: data[k] for k in FACTS if k in data},
            "environment": code,
        }

    def _seeds(self) -> dict[str, Any]:
        plan = self.report.get("plan") or {}
        seeds = {"training": plan.get("seed", self.space.protocol.seed)}
        told = (self.report.get("seeds") or {}).get("seeds")
        return seeds | ({"all": told} if told else {})

    def _people(self, stages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Accounts that ran the stages, and people who signed their rows."""
        by: dict[str, list[str]] = {}
        for stage in stages:
            by.setdefault(str(stage["actor"]), []).append(str(stage["stage"]))
        people = [
            {"name": name, "did": did, "as": "account of the operating system"} for name, did in by.items()
        ]
        stages_by_row = {stage["row"]: str(stage["stage"]) for stage in stages}
        for one in signatures(self.events, Keyring().cards()):
            if one.row in stages_by_row:
                said = f"signed by key {one.key}, {one.role}, row {one.seq}"
                doubt = one.fault or one.standing
                did = [f"{stages_by_row[one.row]} {one.meaning}"]
                people.append({"name": one.name, "did": did, "as": f"{said}; {doubt}" if doubt else said})
        return people
