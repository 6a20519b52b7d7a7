"""The whole road in small on real images: every task, from import to explanation."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from tests.narrow import narrow

import overread.pipeline.stages as stages
from overread.cohort.adapters.medmnist import import_medmnist
from overread.cohort.adapters.nifti import import_nifti
from overread.cohort.adapters.pairs import import_pairs
from overread.cohort.adapters.voc import import_voc
from overread.cohort.cohort import Cohort
from overread.cohort.load import load_case
from overread.cohort.truth.boxes import read_boxes
from overread.errors import InputError
from overread.imaging.read import read
from overread.learn.planner import patch, whole_grid
from overread.ledger.ledger import Ledger
from overread.runtime.answer import Findings, Objects
from overread.runtime.package import Package
from overread.runtime.predict import predict


@pytest.fixture(autouse=True)
def small_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patches and networks that a slow machine trains in seconds; the number of epochs is given, so the clock decides
    nothing."""
    narrow(monkeypatch)
    monkeypatch.setitem(patch.CPU_PATCH, 2, 128 * 128)
    monkeypatch.setitem(patch.CPU_PATCH, 3, patch.SMALLEST_PATCH[3])
    monkeypatch.setitem(whole_grid.MOST, 2, 96)
    # How long a step takes decides nothing where the epochs are given.
    monkeypatch.setattr("overread.learn.timing.LEAST_STEPS", 1)
    monkeypatch.setattr("overread.learn.timing.LEAST_SECONDS", 0.0)


STAGES = ("init", "check", "plan", "train", "package", "lock", "test", "explain")


def thinned(folder: Path, keep: dict[str, int]) -> None:
    """Keep the first rows of each split, evenly over the labels where there are any."""
    with (folder / "cohort.csv").open() as f:
        rows = list(csv.DictReader(f))
    out = []
    for split, count in keep.items():
        of = [r for r in rows if r["split"] == split]
        labels = sorted({r.get("label", "") for r in of})
        for label in labels:
            out += [r for r in of if r.get("label", "") == label][: count // len(labels)]
    with (folder / "cohort.csv").open("w", newline="") as f:
        writer = csv.DictWriter(f, rows[0].keys())
        writer.writeheader()
        writer.writerows(out)


def row_of(report: dict, metric: str, label: str | None = None) -> dict:
    """The one row of report.json about a metric and label."""
    (row,) = [r for r in report["test"] if (r["metric"], r["label"]) == (metric, label)]
    return row


def checked_report(folder: Path, metric: str, label: str | None = None) -> dict:
    """report.json in the promised shape, each stage recorded, the ledger whole, the page written."""
    report = json.loads((folder / "report.json").read_text())
    for m in report["test"]:
        assert np.isfinite([m["estimate"], m["low"], m["high"]]).all(), m
        assert m["unit"] and m["method"], m
    assert report["primary"] == {"metric": metric, "label": label}
    primary = row_of(report, metric, label)
    assert primary["low"] <= primary["estimate"] <= primary["high"]
    # Every goal of the protocol has its row.
    assert len(report["endpoints"]) == len(report["protocol"]["endpoints"])
    assert set(report["seconds"]) == set(STAGES)
    for stage in STAGES:
        assert json.loads((folder / "record" / f"{stage}.json").read_text())["stage"] == stage
    package = Package.load(folder / report["package"]["path"])
    assert package.sha256 == report["package"]["sha256"]
    ledger = Ledger.open(folder / "ledger.db")
    assert ledger.verify().ok
    kinds = [e.kind for e in ledger.events()]
    assert kinds.index("pipeline.lock") < kinds.index("pipeline.opened") < kinds.index("pipeline.test")
    page = (folder / "report.html").read_text()
    assert f"{primary['estimate']:.3f}" in page
    assert not re.search(r"(src|href)=[\"']https?://", page)
    assert list((folder / "explain").glob("*.png"))
    return report


def test_binary_classification(data_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pneumonia"
    import_medmnist(data_dir / "pneumoniamnist28" / "pneumoniamnist.npz", folder)
    thinned(folder, {"train": 600, "val": 120, "test": 120})
    stages.run_stages(folder, epochs=12)
    report = checked_report(folder, "auroc")
    assert row_of(report, "auroc")["estimate"] > 0.85
    assert "DeLong" in row_of(report, "auroc")["method"]
    assert report["limits"]["age_years"] == [1, 5]

    # A second opening is allowed, counted and shown; a changed protocol needs a new lock.
    stages.test_stage(folder)
    assert json.loads((folder / "report.json").read_text())["openings"] == 2
    text = (folder / "protocol.yaml").read_text()
    (folder / "protocol.yaml").write_text(text.replace("goal: 0.8", "goal: 0.2"))
    with pytest.raises(InputError, match="changed after the lock"):
        stages.test_stage(folder)

    # An adult's full-size radiograph is refused by this package, with the reason.
    adult = read(data_dir / "dicom_cr_radiographs" / "RG1_J2KR.dcm")
    refused = predict(Package.load(folder / report["package"]["path"]), adult)
    assert "SIZE" in [b.code for b in refused.breaches] and refused.answer is None


def test_multiclass_classification_in_colour(data_dir: Path, tmp_path: Path) -> None:
    """Blood cells cut from their boxes: three classes, RGB, several cells a smear (the patient here)."""
    import xml.etree.ElementTree as ET

    source, folder = data_dir / "bccd_blood_detection", tmp_path / "cells"
    (folder / "images").mkdir(parents=True)
    rows: list[dict[str, str]] = []
    counts: dict[tuple[Path, str], int] = {}
    for path in sorted((source / "Annotations").glob("*.xml")):
        picture = Pillow.open(source / "JPEGImages" / f"{path.stem}.jpg")
        for i, item in enumerate(ET.parse(path).getroot().iter("object")):
            label = str(item.findtext("name"))
            x0, y0, x1, y1 = (
                int(str(item.findtext(f"bndbox/{k}"))) for k in ("xmin", "ymin", "xmax", "ymax")
            )
            # Two of a kind from each smear: every class in many smears, and several images a patient.
            if counts.get((path, label), 0) >= 2 or min(x1 - x0, y1 - y0) < 8:
                continue
            counts[path, label] = counts.get((path, label), 0) + 1
            name = f"{path.stem}-{i}"
            picture.crop((x0, y0, x1, y1)).resize((32, 32)).save(folder / "images" / f"{name}.png")
            rows.append({"case": name, "patient": path.stem, "image": f"images/{name}.png", "label": label})
    with (folder / "cohort.csv").open("w", newline="") as f:
        writer = csv.DictWriter(f, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    stages.run_stages(folder, epochs=8)
    report = checked_report(folder, "auroc_macro")
    assert report["labels"] == ["Platelets", "RBC", "WBC"]
    assert row_of(report, "auroc_macro")["estimate"] > 0.9
    assert (
        "patient" in row_of(report, "auroc_macro")["method"]
        or "cluster" in row_of(report, "auroc_macro")["method"]
    )
    assert Package.load(folder / report["package"]["path"]).manifest.preprocess.color == "rgb"


def test_segmentation_2d(data_dir: Path, tmp_path: Path) -> None:
    source, folder = data_dir / "dsb2018_nuclei", tmp_path / "nuclei"
    import_pairs(source / "images", source / "labels", folder, "nucleus")
    thinned(folder, {"train": 40, "val": 8, "test": 12})
    stages.run_stages(folder, epochs=16)
    report = checked_report(folder, "dice")
    assert row_of(report, "dice")["estimate"] > 0.5
    with (folder / "predictions.csv").open() as f:
        answered = [r["case"] for r in csv.DictReader(f) if r["outcome"] == "ok"]
    # The set is of many kinds: an image of one that no other shows may lie beyond the limits.
    assert len(answered) >= 10
    assert sorted(p.stem for p in (folder / "predictions").glob("*.png")) == sorted(answered)


def test_segmentation_3d(data_dir: Path, tmp_path: Path) -> None:
    source, folder = data_dir / "msd_hippocampus_3d", tmp_path / "hippocampus"
    import_nifti(source / "imagesTr", source / "labelsTr", folder)
    thinned(folder, {"train": 24, "val": 6, "test": 8})
    stages.run_stages(folder, epochs=12)
    report = checked_report(folder, "dice")
    assert row_of(report, "dice")["estimate"] > 0.35
    found = {(r["metric"], r["label"]) for r in report["test"]}
    assert {("dice", "anterior"), ("dice", "posterior"), ("hd95", "anterior")} <= found


def test_multilabel_with_missing_labels(data_dir: Path, tmp_path: Path) -> None:
    """Which cells a smear shows, derived from its boxes; 30% of the labels are not stated and never counted."""
    source, folder = data_dir / "bccd_blood_detection", tmp_path / "smears"
    import_voc(source, folder)
    thinned(folder, {"train": 96, "val": 30, "test": 40})
    missing = as_findings(folder, share_missing=0.3)
    stages.run_stages(folder, epochs=2)
    report = checked_report(folder, "auroc_macro")
    stated = {label: count for label, count in missing.items() if count}
    assert stated, "the draw left no label out"
    with (folder / "predictions.csv").open() as f:
        rows = list(csv.DictReader(f))
    for label, left_out in stated.items():
        area = [r for r in report["test"] if (r["metric"], r["label"]) == ("auroc", label)]
        if area:
            assert area[0]["n"] <= len(rows) - left_out
    package = Package.load(folder / report["package"]["path"])
    assert set(package.manifest.operating_points) <= set(package.manifest.labels)
    answer = predict(package, load_case(Cohort.read(folder).split("test")[0])).answer
    assert isinstance(answer, Findings) and set(answer.scores) == set(package.manifest.labels)


def as_findings(folder: Path, *, share_missing: float) -> dict[str, int]:
    """Make the boxes of a cohort into findings; the number of unstated labels of each in the test split."""
    cohort = Cohort.read(folder, need="boxes")
    rng = np.random.default_rng(0)
    boxes = {c.case: [b.label for b in read_boxes(c.boxes)] for c in cohort if c.boxes}
    counts = {k: sorted(v.count(k) for v in boxes.values()) for k in {x for v in boxes.values() for x in v}}
    # Present: more of the cell than in the median smear, so that every finding has cases of both kinds.
    many = {k: v[len(v) // 2] for k, v in counts.items()}
    rows, missing = [], dict.fromkeys(many, 0)
    for c in cohort:
        row = {"case": c.case, "patient": c.patient, "split": c.split, "image": str(c.images["image"])}
        for label, limit in many.items():
            unstated = rng.random() < share_missing
            missing[label] += unstated and c.split == "test"
            row[f"label_{label}"] = "" if unstated else str(int(boxes[c.case].count(label) > limit))
        rows.append(row)
    with (folder / "cohort.csv").open("w", newline="") as f:
        writer = csv.DictWriter(f, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    (folder / "task.json").unlink()
    return missing


def test_detection(data_dir: Path, tmp_path: Path) -> None:
    source, folder = data_dir / "bccd_blood_detection", tmp_path / "boxes"
    import_voc(source, folder)
    thinned(folder, {"train": 60, "val": 16, "test": 16})
    stages.run_stages(folder, epochs=2)
    report = json.loads((folder / "report.json").read_text())
    checked_report(folder, report["primary"]["metric"], report["primary"]["label"])
    cases = Cohort.read(folder, need="boxes").split("test")
    true = sum(len(read_boxes(c.boxes)) for c in cases if c.boxes)
    with (folder / "predictions.csv").open() as f:
        rows = list(csv.DictReader(f))
    told = sum(int(float(r[k])) for r in rows for k in r if k.startswith("true_"))
    assert told == true, "a true box was lost on the way"
    answer = predict(Package.load(folder / report["package"]["path"]), load_case(cases[0])).answer
    assert isinstance(answer, Objects)
