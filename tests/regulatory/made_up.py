"""A finished run in a folder, made in a moment: a real package and a real ledger around plausible numbers."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from tests.runtime.models import mean_classifier

from overread.files import sha256_file, write_json
from overread.imaging.formats.raster import write_png
from overread.ledger.files import hashed
from overread.ledger.ledger import Ledger
from overread.runtime.manifest import Manifest
from overread.runtime.package import Package, write_package
from overread.stats.diagnostic import diagnostic_accuracy
from overread.stats.interval import Interval
from overread.stats.intervals import rate_ci
from overread.stats.roc import auc

TRUTH = [1] * 40 + [0] * 60
SCORE = [0.9] * 34 + [0.2] * 6 + [0.1] * 51 + [0.8] * 9


def made_up_package(
    path: Path, *, gain: float = 4.0, version: str = "1.0", threshold: float = 0.5
) -> Package:
    """A classifier of the mean grey value."""
    content: dict[str, Any] = {
        "name": "chest",
        "version": version,
        "created": "2026-01-01T00:00:00+00:00",
        "task": "classification",
        "channels": [{"name": "image", "modality": ["DX"]}],
        "preprocess": {"dimensions": 2, "color": "gray", "size": [8, 8], "intensity": [{"method": "fixed"}]},
        "labels": ["normal", "pneumonia"],
        "positive": "pneumonia",
        "operating_points": {"pneumonia": {"rule": "youden", "threshold": threshold, "figures": {}}},
        "files": {},
    }
    return write_package(path, Manifest.model_validate(content), mean_classifier(2, gain))


def row(metric: str, found: Interval, label: str | None = None, unit: str = "proportion") -> dict[str, Any]:
    """A row of report.json."""
    return {"metric": metric, "label": label, "unit": unit, **found.as_dict()}


def made_up_run(folder: Path, *, comparator: dict[str, str] | None = None, **changes: Any) -> Path:
    """``folder`` with report.json (with ``changes``), predictions.csv, package and ledger of a finished run."""
    folder.mkdir(parents=True, exist_ok=True)
    package = made_up_package(folder / "package" / "chest-1.0.overread")
    called = [int(s >= 0.5) for s in SCORE]
    found = diagnostic_accuracy(34, 9, 6, 51)
    test = [
        row("auroc", auc(TRUTH, SCORE), unit="area under the ROC curve"),
        row("sensitivity", found.sensitivity),
        row("specificity", found.specificity),
        row("answered", rate_ci([1] * 100)),
    ]
    names = ["normal", "pneumonia"]
    with (folder / "predictions.csv").open("w", newline="", encoding="utf-8") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(["case", "patient", "outcome", "label", "decided", "score_normal", "score_pneumonia"])
        for k, (y, s, d) in enumerate(zip(TRUTH, SCORE, called, strict=True)):
            writer.writerow([f"t{k:03d}", f"p{k:03d}", "ok", names[y], names[d], round(1 - s, 6), s])
    (folder / "protocol.yaml").write_text("name: chest\n", encoding="utf-8")
    write_png(folder / "x.png", np.full((8, 8), 250, np.uint8))
    cases = [("a", "train", "normal"), ("b", "val", "normal"), ("t000", "test", "pneumonia")]
    before = comparator or {}
    lines = [f"{case},{case},{split},x.png,{label},{before.get(case, '')}" for case, split, label in cases]
    table = "\n".join(["case,patient,split,image,label,before", *lines, ""])
    (folder / "cohort.csv").write_text(table, encoding="utf-8")
    report: dict[str, Any] = {
        "name": "chest",
        "created": "2026-11-20T10:00:00+00:00",
        "virtual": False,
        "task": "classification",
        "labels": names,
        "positive": "pneumonia",
        "protocol": {
            "name": "chest",
            "version": "1.0",
            "intended_use": "Second reading of chest radiographs of adults.",
            "missing": "ignore",
            "uncertain": "ignore",
            "subgroups": [],
            "seed": 0,
        },
        "plan": {
            "network": {"name": "resnet", "arguments": {"widths": [8, 16]}, "parameters": 1234},
            "loss": {"name": "cross_entropy", "arguments": {}},
            "sampling": {"name": "uniform", "arguments": {}},
            "augment": {"rotate_deg": 10.0, "flip": []},
            "learning_rate": 0.002,
            "weight_decay": 0.05,
            "batch": 64,
            "patch": [8, 8],
            "transfer": None,
            "foreground_share": 0.0,
        },
        "check": {
            "findings": [{"code": "image.size", "severity": "info", "message": "size: 8 x 8 voxels"}],
            "groups": [
                {
                    "attribute": "all",
                    "group": "all",
                    "class": "pneumonia",
                    "cases": {"train": 100, "val": 20, "test": 40},
                    "test_patients": 40,
                    "found": 36,
                    "sensitivity_interval": [0.76, 0.97],
                }
            ],
        },
        "package": {
            "path": "package/chest-1.0.overread",
            "sha256": package.sha256,
            "name": "chest",
            "version": "1.0",
        },
        "test": test,
        "primary": {"metric": "auroc", "label": None},
        "endpoints": [
            test[0]
            | {
                "goal": 0.75,
                "direction": "at least",
                "judged_on": "low",
                "met": True,
                "reason": "",
                "proposed": False,
            }
        ],
        "cases": {
            "train": {"patients": 300, "images": 300},
            "val": {"patients": 50, "images": 50},
            "test": {"patients": 100, "images": 100},
        },
        "counted": {"patients": 100, "images": 100, "answered_patients": 100, "answered_images": 100},
        "table_one": [
            {"name": "Patients", "train": "300", "val": "50", "test": "100"},
            {"name": "Age, years, median (range)", "train": "60", "val": "61", "test": "59"},
            {"name": "Sex: F", "train": "150 (50%)", "val": "25 (50%)", "test": "50 (50%)"},
        ],
        "operating_points": {"pneumonia": {"rule": "youden", "threshold": 0.5, "figures": {}}},
        "unanswered": "wrong",
        "openings": 1,
        "exploratory": [],
        "training": {"epochs": 3, "ended_by": "schedule", "device": "cpu"},
        "environment": {"overread": "0.1.0", "python": "3.11", "code_sha256": "0" * 64},
        "limits": {},
        "seeds": {},
        "beside": [],
        "subgroups": [],
        "subgroup_gaps": [],
    }
    report |= changes
    report["evidence"] = {
        "protocol.yaml (sha256sum)": sha256_file(folder / "protocol.yaml"),
        "cohort.csv (sha256sum)": sha256_file(folder / "cohort.csv"),
        "package file (sha256sum)": sha256_file(package.path),
        "predictions": sha256_file(folder / "predictions.csv"),
    }
    write_json(folder / "report.json", report)
    told = {"pictures": ["explain/t000.png"], "method": "Grad-CAM"}
    write_json(folder / "record" / "explain.json", {"stage": "explain", "result": told})
    ledger = Ledger.open(folder / "ledger.db")
    for kind in ("init", "check", "plan", "train", "package", "lock", "opened", "test", "explain"):
        ledger.append(f"pipeline.{kind}", {"seconds": 1.0}, actor="tester")
    ledger.append(
        "pipeline.report", {"files": hashed(folder, ["report.json", "predictions.csv"])}, actor="tester"
    )
    return folder
