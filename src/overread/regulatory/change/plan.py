"""change_plan.yaml: which modifications were foreseen, what none may touch, and the tests that a change must pass."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, FiniteFloat, model_validator

from overread.errors import InputError
from overread.evaluate.metrics import METRICS
from overread.files import write_text
from overread.regulatory.finished import Finished
from overread.runtime.manifest import Manifest
from overread.settings import Strict, read_settings

FILE = "change_plan.yaml"
ANEW = frozenset(
    {"format", "name", "version", "created", "operating_points", "calibration", "reference", "model_card"}
    | {"evidence", "sha256"}
)
"""What every new training moves, and what only names or describes a package."""
PARTS = tuple(name for name in Manifest.model_fields if name not in ANEW)
"""What two packages are compared by: everything else, so that nothing is passed over that a later version adds. Of
``files`` their names, which say how many networks answer."""
ALWAYS_FIXED = ("task", "labels", "positive", "quantity", "regions", "counted_labels")
"""Another question is another device."""
MARGIN = 0.05
MEASURED = {
    "limits": frozenset({"grey_values", "likeness", "color", "size", "spacing_mm"}),
    "preprocess": frozenset({"mean", "std", "low", "high", "landmarks"}),
    "uncertainty": frozenset({"most", "refused", "aimed", "patients", "refer", "notes", "quality"}),
}
"""Keys of each part whose numbers every training measures anew: reach of images, grey values, cuts of uncertainty."""


Movable = Literal[
    "channels",
    "preprocess",
    "limits",
    "windows",
    "uncertainty",
    "outputs",
    "decoding",
    "views",
    "smallest_part",
    "measures",
    "postprocess",
    "files",
]


class Modification(Strict):
    """One foreseen change: ``what`` and ``why``, its ``kind`` (performance, a new input, or use within the same
    intended use), for all sites or one, by itself or by people, and ``parts`` of the package that it moves
    beside weights."""

    id: str
    what: str
    why: str = ""
    kind: Literal["performance", "input", "use"] = "performance"
    scope: Literal["global", "local"] = "global"
    by: Literal["people", "automatic"] = "people"
    parts: list[Movable] = []


class Acceptance(Strict):
    """A test of the change: the new package's ``metric`` (of ``label``) is not worse than the old one's.

    Judged on the less favourable limit of the paired difference against ``margin``; where ``reach`` is given, also on
    the new one's own less favourable limit. ``thresholds``: the new package's own, or those of the old one.
    """

    metric: str
    label: str | None = None
    margin: float = Field(default=MARGIN, ge=0, allow_inf_nan=False)
    reach: FiniteFloat | None = None
    thresholds: Literal["own", "kept"] = "own"


class ChangePlan(Strict):
    """The whole plan. ``package`` is the SHA-256 of the package that it begins from."""

    package: str = Field(pattern=r"^[0-9a-f]{64}$")
    version: str
    intended_use: str = ""
    cadence: str = ""
    modifications: list[Modification] = Field(min_length=1)
    acceptance: list[Acceptance] = Field(min_length=1)
    least_cases: int = Field(default=100, ge=1)
    data: str = ""
    on_failure: str = "No release; the reason is stored in the ledger."
    notice: str = ""

    @model_validator(mode="after")
    def _once(self) -> ChangePlan:
        ids = [m.id for m in self.modifications]
        if len(set(ids)) < len(ids):
            raise ValueError("modifications: an id stands twice")
        return self

    @property
    def may_move(self) -> set[str]:
        """Parts of a package that some modification moves."""
        return {p for m in self.modifications for p in m.parts}


def read_plan(path: Path) -> ChangePlan:
    """A plan from its file, or from the folder that holds it. Raises InputError naming file and key."""
    file = path / FILE if path.is_dir() else path
    return read_settings(file, ChangePlan, "overread dossier writes one to begin from")


def propose(run: Finished) -> dict[str, Any]:
    """A plan to begin from: training anew on more patients, held to the goals and first measures of the test."""
    goals = {(e["metric"], e["label"]): e["goal"] for e in run.report.get("endpoints") or []}
    first = (run.report["primary"]["metric"], run.report["primary"]["label"])
    positive = run.report.get("positive")
    wanted: list[tuple[str, str | None]] = list(dict.fromkeys([first, *goals]))
    called = [
        (m, positive) for m in ("sensitivity", "specificity") if positive and run.measured(m) is not None
    ]
    tests: list[dict[str, Any]] = []
    for metric, label in dict.fromkeys([*wanted, *called]):
        name = (
            label if label is not None or metric not in ("auroc", "sensitivity", "specificity") else positive
        )
        found = {"metric": metric, "label": name, "margin": MARGIN}
        if (metric, label) in goals:
            found["reach"] = goals[(metric, label)]
        if found not in tests and not any((t["metric"], t["label"]) == (metric, name) for t in tests):
            tests.append(found)
    return {
        "package": run.report["package"]["sha256"],
        "version": run.manifest.version,
        "intended_use": str(run.protocol.get("intended_use") or ""),
        "cadence": "",
        "modifications": [
            {
                "id": "M1",
                "what": "Weights trained anew by the same plan on more patients",
                "why": "",
                "kind": "performance",
            }
        ],
        "acceptance": tests,
        "least_cases": 100,
    }


def write_proposal(run: Finished, path: Path) -> Path:
    """Write a plan to begin from, unless there is one already."""
    if not path.is_file():
        head = "# A predetermined change control plan to begin from: nobody's until a person fills and signs it.\n"
        write_text(path, head + yaml.safe_dump(propose(run), sort_keys=False, allow_unicode=True))
    return path


def moved(old: Manifest, new: Manifest) -> dict[str, tuple[Any, Any]]:
    """Parts in which two packages differ, with what each has."""
    found = {}
    for part in PARTS:
        one, two = (_part(m, part) for m in (old, new))
        if one != two:
            found[part] = (one, two)
    return found


def _part(manifest: Manifest, part: str) -> Any:
    return (
        sorted(manifest.files)
        if part == "files"
        else _plain(getattr(manifest, part), MEASURED.get(part, frozenset()))
    )


def _plain(value: Any, without: frozenset[str]) -> Any:
    """As plain data, without the keys that every training measures anew."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {k: _plain(v, without) for k, v in value.items() if k not in without}
    if isinstance(value, list):
        return [_plain(v, without) for v in value]
    return value


def known_metric(metric: str) -> bool:
    """Whether the project measures it."""
    return metric in METRICS


def check_metrics(plan: ChangePlan, path: Path) -> None:
    """Raise InputError for an acceptance test of something that nobody measures."""
    for a in plan.acceptance:
        if not known_metric(a.metric):
            raise InputError(
                f"{path}: acceptance: no metric {a.metric!r}; expected such as auroc, sensitivity, dice"
            )
