"""What a qualification does: installation, worked examples, recorded predictions anew, and a local acceptance test."""

from __future__ import annotations

import csv
import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from overread.cohort.cohort import Cohort
from overread.cohort.load import load_case
from overread.cohort.truth import TRUTHS
from overread.errors import InputError, OverreadError
from overread.evaluate.metrics import METRICS, title
from overread.evaluate.run import evaluate
from overread.evaluate.tasks import TASKS as EVALUATE
from overread.imaging.read import read_labels
from overread.ledger.environment import environment
from overread.regulatory.comparison.side import looked
from overread.regulatory.finished import Finished
from overread.regulatory.qualify.examples import EXAMPLES
from overread.runtime.answer import LabelMap
from overread.runtime.package import Package
from overread.runtime.predict import predict
from overread.task import TASKS

NEEDED = ("numpy", "scipy", "onnxruntime", "pydicom", "nibabel", "sqlalchemy", "pydantic")
TOLERANCE = 1e-3
"""Of a score that is computed anew: another processor adds in another order."""
LEAST_SAME = 0.999


@dataclass(frozen=True)
class Step:
    """One step of ``part`` (IQ, OQ, PQ or acceptance): what was expected, what was found, whether it passed."""

    part: str
    name: str
    expected: str
    found: str
    passed: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON content."""
        return dict(vars(self))


def installation(run: Finished) -> list[Step]:
    """The libraries load, and the package is the one that was tested."""
    here = environment()
    steps = []
    for name in NEEDED:
        try:
            importlib.import_module(name)
            steps.append(Step("IQ", name, "loads", here.get(name, "loads"), True))
        except Exception as error:
            steps.append(Step("IQ", name, "loads", f"does not load: {error}", False))
    tested = dict(run.report.get("environment") or {})
    code = str(tested.get("code_sha256", ""))
    found = here.get("code_sha256", "")
    steps.append(
        Step("IQ", "code of overread", code[:16] or "not recorded", found[:16], not code or code == found)
    )
    digest = run.report["package"]["sha256"]
    package = Package.load(run.folder / run.report["package"]["path"])
    steps.append(Step("IQ", "package", digest[:16], package.sha256[:16], package.sha256 == digest))
    return steps


def operation() -> list[Step]:
    """Worked examples with published answers."""
    steps = []
    for e in EXAMPLES:
        try:
            value = e.compute()
            good = math.isclose(value, e.expected, rel_tol=0, abs_tol=e.tolerance)
            found = f"{value:.6g}"
        except Exception as error:
            good, found = False, f"failed: {error}"
        steps.append(
            Step("OQ", f"{e.name} ({e.source})", f"{e.expected:.6g} within {e.tolerance:g}", found, good)
        )
    return steps


def performance(run: Finished, *, cases: int) -> list[Step]:
    """The first ``cases`` answered test cases predicted anew, against predictions.csv, whose hash is in the ledger.

    No truth is read: this is no look at the test.
    """
    package = Package.load(run.folder / run.report["package"]["path"])
    with (run.folder / "predictions.csv").open(encoding="utf-8", newline="") as f:
        recorded = {r["case"]: r for r in csv.DictReader(f)}
    wanted = [n for n, r in recorded.items() if r["outcome"] == "ok"][:cases]
    table = {c.case: c for c in Cohort.read(run.folder) if c.case in wanted}
    steps = []
    for name in wanted:
        if name not in table:
            steps.append(Step("PQ", name, "in cohort.csv", "not there", False))
            continue
        image = load_case(table[name])
        answer = predict(package, image)
        if isinstance(answer.answer, LabelMap):
            steps.append(_mask(run.folder, name, answer.answer))
            continue
        compared = _scores(answer.answer, recorded[name])
        if not compared:
            same = str(answer.outcome) == recorded[name]["outcome"]
            steps.append(Step("PQ", name, recorded[name]["outcome"], str(answer.outcome), same))
            continue
        key, was, now = max(compared, key=lambda c: abs(c[1] - c[2]))
        steps.append(
            Step(
                "PQ", name, f"{key} {was:.6f} within {TOLERANCE:g}", f"{now:.6f}", abs(was - now) <= TOLERANCE
            )
        )
    return steps


def _mask(folder: Path, name: str, answer: LabelMap) -> Step:
    """Voxels of the mask that `overread test` wrote which come out the same; a boundary may move by rounding."""
    expected = f"{LEAST_SAME:.1%} of the voxels as written"
    files = [p for p in (folder / "predictions" / f"{name}{s}" for s in (".nii.gz", ".png")) if p.is_file()]
    if not files:
        return Step("PQ", name, expected, "predictions/ holds no mask of it", False)
    written = np.squeeze(read_labels(files[0]).array)
    found = np.squeeze(answer.mask)
    if written.shape != found.shape:
        return Step("PQ", name, expected, f"shape {found.shape}, written {written.shape}", False)
    same = float((written == found).mean())
    return Step("PQ", name, expected, f"{same:.3%}", same >= LEAST_SAME)


def _scores(answer: Any, recorded: Mapping[str, str]) -> list[tuple[str, float, float]]:
    """Score, recorded value and value found anew, of what the answer says without the truth."""
    values = getattr(answer, "probabilities", None) or getattr(answer, "scores", None)
    if isinstance(values, Mapping):
        named = {f"score_{k}": float(v) for k, v in values.items()}
    elif hasattr(answer, "value"):
        named = {"found": float(answer.value)}
    else:
        return []
    return [(k, float(recorded[k]), v) for k, v in named.items() if recorded.get(k)]


@dataclass(frozen=True)
class Bound:
    """What a local acceptance test must show, stated before: the worse limit of ``metric`` reaches ``bound``."""

    metric: str
    bound: float
    label: str | None = None
    least: int = 30


def acceptance(package: Package, folder: Path, bound: Bound) -> list[Step]:
    """Local cases answered and held against their truth.

    Raises
    ------
    InputError
        A measure that the package's task does not have, a sealed test, or cases that cannot be read.
    """
    m = package.manifest
    pairs = EVALUATE[m.task].offered(m.judged, m.positive, m.counted_labels)
    if (bound.metric, bound.label) not in {(metric.key, label) for metric, label in pairs}:
        known = ", ".join(dict.fromkeys(metric.key for metric, _ in pairs))
        raise InputError(
            f"--metric: {bound.metric} of {bound.label or 'all'} is not measured of {m.task}; expected one of {known}"
        )
    limits = (m.quantity.low, m.quantity.high) if m.quantity else (None, None)
    cohort = Cohort.read(folder, need=TRUTHS[TASKS[m.task].truth].COLUMN, labels=m.labels, bounds=limits)
    cases = list(cohort)
    looked(folder, cases, [package.sha256])
    steps = [
        Step(
            "acceptance", "local cases", f"{bound.least} or more", str(len(cases)), len(cases) >= bound.least
        )
    ]
    name = title(METRICS[bound.metric], bound.label)
    lower = METRICS[bound.metric].better == "lower"
    wanted = f"{'upper limit at most' if lower else 'lower limit at least'} {bound.bound:g}"
    evaluation = evaluate(package, cases)
    found = evaluation.of(bound.metric, bound.label)
    if found is None:
        reason = evaluation.reason(bound.metric, bound.label)
        return [*steps, Step("acceptance", name, wanted, f"not computed: {reason}", False)]
    i = found.interval
    ok = i.high <= bound.bound if lower else i.low >= bound.bound
    return [
        *steps,
        Step("acceptance", name, wanted, f"{i.estimate:.3f} ({i.low:.3f} to {i.high:.3f}), n = {i.n}", ok),
    ]


def whole(steps: list[Step]) -> None:
    """Raise OverreadError, naming the first steps that failed."""
    failed = [f"{s.part} {s.name}: expected {s.expected}, found {s.found}" for s in steps if not s.passed]
    if failed:
        raise OverreadError(
            f"not qualified, {len(failed)} of {len(steps)} steps failed: {'; '.join(failed[:3])}"
        )
