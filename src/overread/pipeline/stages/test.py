"""check and test: look for faults before training, and open the sealed patients once after the lock."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.checks.page import write_check_page
from overread.cohort.checks.run import CheckReport, check_cohort, print_report
from overread.cohort.cohort import Case, Cohort
from overread.cohort.hashes import digest_of_hashes, file_hashes, files_digest
from overread.errors import BlockingError, InputError
from overread.files import atomic_path, sha256_file, write_json
from overread.imaging.image import Image
from overread.pipeline.endpoints import judge
from overread.pipeline.evaluate import Evaluation, evaluate, subgroups
from overread.pipeline.report.gallery import Gallery
from overread.pipeline.report.page import ReportFigures, write_report
from overread.pipeline.workspace import Workspace, bar, console, progress, recording
from overread.runtime.package import Package
from overread.runtime.prediction import Prediction

LIBRARIES = ("numpy", "scipy", "onnxruntime", "pydicom", "nibabel", "torch", "monai")


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
    with recording(space, "check") as result:
        cohort = space.cohort(missing_channels=True)
        report = _checked(space, cohort)
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
            task=space.protocol.task,
            labels=space.protocol.labels,
            progress=read_one,
            compared=compared,
            workers=None,
        )
        # Images without contrast are compared with nothing.
        display.update(comparing, completed=len(cohort))
        return report


def test_stage(folder: Path) -> None:
    """Answer the sealed test patients with the locked package; write report.json and report.html."""
    space = Workspace.open(folder)
    package, cohort = _locked(space)
    cases = cohort.split("test")
    opened = space.ledger.append(
        "pipeline.opened", {"test": cohort.digest("test"), "package": package.sha256}
    )
    openings = len(space.ledger.events("pipeline.opened"))
    with recording(space, "test") as result:
        gallery = Gallery(folder / "predictions")

        def seen(case: Case, image: Image, prediction: Prediction, truth: NDArray[np.integer] | None) -> None:
            gallery.add(case, image, prediction, truth)

        with progress("Test patients", len(cases)) as advance:
            evaluation = evaluate(package, cases, advance, seen)
        predictions = _write_rows(folder / "predictions.csv", evaluation.rows)
        result.update(
            test=evaluation.metrics,
            openings=openings,
            opened_at=opened.time,
            predictions_sha256=sha256_file(predictions),
            package_sha256=package.sha256,
        )
    report = _report(space, package, cohort, evaluation, result)
    write_json(folder / "report.json", report)
    figures = ReportFigures(
        y=evaluation.y,
        probability=evaluation.probability,
        per_case=evaluation.per_case,
        gallery=gallery.pictures(evaluation.rows),
    )
    page = write_report(folder, report, figures)
    for name, m in evaluation.metrics.items():
        console.print(
            f"  {name}: {m['estimate']:.3f} ({m['confidence']:.0%} CI {m['low']:.3f} to {m['high']:.3f}) {m['unit']}",
            highlight=False,
        )
    for name, reason in evaluation.not_computed.items():
        console.print(f"  {name}: not computed ({reason})", highlight=False)
    console.print(f"  {page}", highlight=False)
    if openings > 1:
        console.print(
            f"  [yellow]The test patients have now been opened {openings} times; the report says so."
        )


def refresh_seconds(space: Workspace) -> None:
    """Bring the stage times in report.json up to date after a later stage."""
    path = space.folder / "report.json"
    if path.is_file():
        report = json.loads(path.read_text(encoding="utf-8"))
        report["seconds"] = space.seconds()
        write_json(path, report)


def _locked(space: Workspace) -> tuple[Package, Cohort]:
    lock = space.record("lock")["result"]
    if lock["protocol_sha256"] != space.protocol.digest():
        raise InputError(
            f"{space.folder / 'protocol.yaml'}: changed after the lock; run `overread lock {space.folder}` again"
        )
    package = Package.load(space.package_file)
    if lock["package_sha256"] != package.sha256:
        raise InputError(
            f"{space.package_file}: not the locked package; run `overread lock {space.folder}` again"
        )
    cohort = space.cohort()
    files = files_digest(cohort.split("test"), space.folder)
    if (lock["sealed_test_sha256"], lock["test_files_sha256"]) != (cohort.digest("test"), files):
        raise InputError(
            f"{space.folder / 'cohort.csv'}: test cases or their files changed after the lock; "
            f"run `overread lock {space.folder}` again"
        )
    return package, cohort


def _write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    columns = list(dict.fromkeys(k for r in rows for k in r))
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as f:
        writer = csv.DictWriter(f, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def _report(
    space: Workspace, package: Package, cohort: Cohort, evaluation: Evaluation, result: dict[str, Any]
) -> dict[str, Any]:
    protocol, manifest = space.protocol, package.manifest
    checked = space.folder / "check.json"
    history = json.loads((space.model / "history.json").read_text(encoding="utf-8"))["history"]
    return {
        "name": protocol.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "virtual": protocol.virtual,
        "task": protocol.task,
        "labels": protocol.labels,
        "positive": protocol.positive,
        "protocol": protocol.model_dump(mode="json"),
        "plan": json.loads((space.model / "plan.json").read_text(encoding="utf-8")),
        "check": json.loads(checked.read_text(encoding="utf-8")) if checked.is_file() else {},
        "package": {
            "path": package.path.relative_to(space.folder).as_posix(),
            "sha256": package.sha256,
            "name": manifest.name,
            "version": manifest.version,
        },
        "test": evaluation.metrics,
        "not_computed": evaluation.not_computed,
        "primary": evaluation.primary,
        "endpoints": _endpoints(space, evaluation),
        "subgroups": subgroups(
            evaluation, cohort.split("test"), protocol.subgroups, protocol.labels, protocol.positive
        ),
        "operating_point": manifest.operating_point.model_dump(mode="json")
        if manifest.operating_point
        else None,
        "cases": {
            name: {
                "patients": len({c.patient for c in cohort.split(name)}),
                "images": len(cohort.split(name)),
            }
            for name in ("train", "val", "test")
        },
        "evidence": {
            "cohort": cohort.digest(),
            "sealed test patients": cohort.digest("test"),
            "image and mask files": space.record("check")["result"]["files_sha256"],
            "protocol": protocol.digest(),
            "plan": manifest.evidence["plan"],
            "weights": manifest.evidence["weights"],
            "package": package.sha256,
            "predictions": result["predictions_sha256"],
            "ledger head": space.ledger.head(),
        },
        "openings": result["openings"],
        "seconds": space.seconds(),
        "versions": {"overread": version("overread"), **_versions()},
        "limits": manifest.limits.model_dump(mode="json"),
        "history": [
            {"epoch": e["epoch"], "loss": e["loss"], "val_metric": e["validation_loss"]} for e in history
        ],
    }


def _endpoints(space: Workspace, evaluation: Evaluation) -> list[dict[str, Any]]:
    rows = []
    for endpoint in space.protocol.endpoints:
        try:
            rows.append(judge(endpoint, evaluation.metrics))
        except ValueError as error:
            evaluation.not_computed[f"goal for {endpoint.metric}"] = str(error)
    return rows


def _versions() -> dict[str, str]:
    out = {}
    for name in LIBRARIES:
        try:
            out[name] = version(name).split("+")[0]
        except PackageNotFoundError:
            continue
    return out
