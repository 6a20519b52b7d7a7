"""The whole road in small on real images: every task, from import to explanation."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

import overread.pipeline.stages as stages
from overread.cohort.adapters.medmnist import import_medmnist
from overread.cohort.adapters.nifti import import_nifti
from overread.cohort.adapters.pairs import import_pairs
from overread.errors import InputError
from overread.imaging.read import read
from overread.ledger.ledger import Ledger
from overread.runtime.package import Package
from overread.runtime.predict import predict

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


def checked_report(folder: Path, metric: str) -> dict:
    """report.json in the promised shape, each stage recorded, the ledger whole, the page written."""
    report = json.loads((folder / "report.json").read_text())
    for name, m in report["test"].items():
        assert np.isfinite([m["estimate"], m["low"], m["high"]]).all(), name
        assert m["unit"] and m["method"], name
    assert (
        report["test"][metric]["low"] <= report["test"][metric]["estimate"] <= report["test"][metric]["high"]
    )
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
    assert f"{report['test'][metric]['estimate']:.3f}" in page
    assert not re.search(r"(src|href)=[\"']https?://", page)
    assert list((folder / "explain").glob("*.png"))
    return report


def test_binary_classification(data_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pneumonia"
    import_medmnist(data_dir / "pneumoniamnist28" / "pneumoniamnist.npz", folder)
    thinned(folder, {"train": 600, "val": 120, "test": 120})
    stages.run_stages(folder, "25s")
    report = checked_report(folder, "auroc")
    assert report["test"]["auroc"]["estimate"] > 0.85
    assert "DeLong" in report["test"]["auroc"]["method"]
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
    assert "SIZE" in [b.code for b in refused.breaches] and not refused.scores


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
    stages.run_stages(folder, "30s")
    report = checked_report(folder, "auroc_macro")
    assert report["labels"] == ["Platelets", "RBC", "WBC"]
    assert report["test"]["auroc_macro"]["estimate"] > 0.9
    assert (
        "patient" in report["test"]["auroc_macro"]["method"]
        or "cluster" in report["test"]["auroc_macro"]["method"]
    )
    assert Package.load(folder / report["package"]["path"]).manifest.preprocess.color == "rgb"


def test_segmentation_2d(data_dir: Path, tmp_path: Path) -> None:
    source, folder = data_dir / "dsb2018_nuclei", tmp_path / "nuclei"
    import_pairs(source / "images", source / "labels", folder, "nucleus")
    thinned(folder, {"train": 40, "val": 8, "test": 12})
    stages.run_stages(folder, "40s")
    report = checked_report(folder, "dice")
    assert report["test"]["dice"]["estimate"] > 0.5
    assert len(list((folder / "predictions").glob("*.png"))) == 12


def test_segmentation_3d(data_dir: Path, tmp_path: Path) -> None:
    source, folder = data_dir / "msd_hippocampus_3d", tmp_path / "hippocampus"
    import_nifti(source / "imagesTr", source / "labelsTr", folder)
    thinned(folder, {"train": 24, "val": 6, "test": 8})
    stages.run_stages(folder, "60s")
    report = checked_report(folder, "dice")
    assert report["test"]["dice"]["estimate"] > 0.35
    assert {"dice_anterior", "dice_posterior", "hd95_anterior"} <= set(report["test"])
