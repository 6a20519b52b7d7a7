"""Truths of real data sets: cells in boxes, findings of chest films, classes, label maps of volumes."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from overread.cohort.adapters.medmnist import import_medmnist
from overread.cohort.adapters.nifti import import_nifti
from overread.cohort.adapters.voc import import_voc
from overread.cohort.checks.run import check_cohort
from overread.cohort.cohort import Cohort
from overread.cohort.fingerprint import fingerprint
from overread.cohort.load import load_case
from overread.cohort.splits import stratified
from overread.cohort.truth import TRUTHS
from overread.cohort.truth.labels import ruled
from overread.imaging.boxes import Boxes


@pytest.fixture(scope="module")
def cells(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    out = tmp_path_factory.mktemp("cells") / "cohort"
    import_voc(data_dir / "bccd_blood_detection", out)
    return Cohort.read(out, need=TRUTHS["boxes"].COLUMN)


def test_boxes_of_cells_are_those_of_the_annotations(data_dir: Path, cells: Cohort) -> None:
    labels = TRUTHS["boxes"].infer(cells.cases)
    assert labels == ["Platelets", "RBC", "WBC"]
    for case in cells.cases[::20]:
        root = ElementTree.parse(data_dir / "bccd_blood_detection" / "Annotations" / f"{case.case}.xml")
        drawn = sorted(
            (labels.index(o.findtext("name") or ""), *(float(o.findtext(f"bndbox/{k}") or 0) for k in
             ("ymin", "xmin", "ymax", "xmax")))
            for o in root.iterfind("object")
        )  # fmt: skip
        image = load_case(case)
        assert image.spatial == (480, 640)
        found = TRUTHS["boxes"].read(case, image, labels)
        assert isinstance(found, Boxes) and len(found) == len(drawn)
        rows = sorted(
            (k, *low, *high)
            for k, low, high in zip(
                found.labels.tolist(), found.low.tolist(), found.high.tolist(), strict=True
            )
        )
        # The set counts some corners from 0, and its import takes all for edges; a pixel is all that may differ.
        np.testing.assert_allclose(rows, drawn, atol=1)


def test_check_and_fingerprint_of_cells(cells: Cohort) -> None:
    labels = ["Platelets", "RBC", "WBC"]
    report = check_cohort(cells, truth="boxes", labels=labels)
    assert not report.blocking and "check.failed" not in {f.code for f in report.findings}
    assert report.summary["classes"]["test"] == {"Platelets": 45, "RBC": 83, "WBC": 86}
    (counts,) = (f.message for f in report.findings if f.code == "boxes.count")
    total = Counter(b["label"] for c in cells.split("test") for b in json.loads(c.boxes.read_text()))  # type: ignore[union-attr]
    assert (
        f"test: Platelets {total['Platelets']}, RBC {total['RBC']}, WBC {total['WBC']} in 87 cases" in counts
    )
    look = fingerprint(cells.split("train"), truth="boxes", labels=labels)
    # Platelets are the smallest cells of blood, white ones the largest; red ones fill most of a smear.
    assert look.size_mm["Platelets"] < look.size_mm["RBC"] < look.size_mm["WBC"]
    assert max(look.foreground_fraction, key=lambda k: look.foreground_fraction[k]) == "RBC"
    assert look.color == "rgb" and look.dimensions == 2


@pytest.fixture(scope="module")
def chests(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """The data set's own table, written as a cohort, patients divided at random."""
    source = data_dir / "nih_chestxray14_64"
    with (source / "labels.csv").open(newline="") as f:
        table = list(csv.DictReader(f))
    findings = list(table[0])[8:]
    strata = {r["patient_id"]: "" for r in table}
    for r in table:
        for name in ("Effusion", "Infiltration"):
            if r[name] == "1":
                strata[r["patient_id"]] = name
    split = stratified(strata, {"train": 0.6, "val": 0.15, "test": 0.25}, seed=1)
    folder = tmp_path_factory.mktemp("chests")
    rows = [
        {
            "case": Path(r["image"]).stem,
            "patient": r["patient_id"],
            "split": split[r["patient_id"]],
            "image": source / "images" / r["image"],
            "age": r["age"],
            "sex": r["sex"],
            "view": r["view"],
            "visit": r["follow_up"],
            **{f"label_{name}": r[name] for name in findings},
        }
        for r in table
    ]
    with (folder / "cohort.csv").open("w", newline="") as f:
        writer = csv.DictWriter(f, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return Cohort.read(folder, need=TRUTHS["labels"].COLUMN)


def test_findings_of_chest_films(chests: Cohort) -> None:
    labels = TRUTHS["labels"].infer(chests.cases)
    assert len(labels) == 14 and len(chests) == 763 and len({c.patient for c in chests}) == 183
    truths = np.stack([TRUTHS["labels"].read(c, load_case(c), labels) for c in chests.cases[:50]])
    expected = [[c.findings[name] for name in labels] for c in chests.cases[:50]]
    np.testing.assert_array_equal(truths, np.array(expected, dtype=np.float64))
    several = sum(sum(v == 1 for v in c.findings.values()) > 1 for c in chests)
    assert several == 174 and sum(c.findings["Hernia"] == 1 for c in chests) == 9


def test_check_and_fingerprint_of_chest_films(chests: Cohort) -> None:
    labels = ["Effusion", "Infiltration"]
    report = check_cohort(chests, truth="labels", labels=labels)
    assert "check.failed" not in {f.code for f in report.findings}
    assert not [f for f in report.blocking if f.code.startswith("finding.")]
    for split, counts in report.summary["classes"].items():
        cases = chests.split(split)
        assert counts == {n: sum(c.findings[n] == 1 for c in cases) for n in labels}
    look = fingerprint(chests.split("train"), truth="labels", labels=labels)
    assert look.class_counts == report.summary["classes"]["train"] and not look.size_mm
    assert look.median_shape == (64, 64) and look.color == "gray"


def test_a_finding_too_rare_for_the_test_is_named(chests: Cohort) -> None:
    """Hernia, nine images of few patients: what no test patient has cannot be measured, which is said."""
    held = {c.patient for c in chests.split("test") if c.findings["Hernia"] == 1}
    rare = Cohort(chests.folder, tuple(c for c in chests if c.patient not in held))
    found = [f for f in TRUTHS["labels"].faults(
        [(c, TRUTHS["labels"].look(c, load_case(c), ["Hernia"])) for c in rare], ["Hernia"]
    ) if f.severity == "warning"]  # fmt: skip
    assert any("'Hernia' is present in no case of test" in f.message for f in found)
    assert ruled(rare) == rare


def test_classes_of_chest_films(data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "pneumoniamnist28" / "pneumoniamnist.npz"
    import_medmnist(source, tmp_path / "out")
    whole = Cohort.read(tmp_path / "out", need=TRUTHS["label"].COLUMN, labels=["normal", "pneumonia"])
    assert TRUTHS["label"].infer(whole.cases) == ["normal", "pneumonia"]
    arrays = np.load(source)
    for case in whole.split("val")[::50]:
        number = int(arrays["val_labels"][int(case.case.split("-")[1])].item())
        assert TRUTHS["label"].read(case, load_case(case), ["normal", "pneumonia"]) == number
    part = Cohort(whole.folder, tuple(c for s in ("train", "val", "test") for c in whole.split(s)[:60]))
    report = check_cohort(part, truth="label", labels=["normal", "pneumonia"])
    assert not [f for f in report.findings if f.code in ("check.failed", "label.unknown")]
    assert sum(report.summary["classes"]["train"].values()) == 60
    look = fingerprint(part.split("train"), truth="label", labels=["normal", "pneumonia"])
    assert look.class_counts == report.summary["classes"]["train"] and look.median_shape == (28, 28)


def test_label_maps_of_the_hippocampus(data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "msd_hippocampus_3d"
    few = tmp_path / "few"
    for kind in ("imagesTr", "labelsTr"):
        (few / kind).mkdir(parents=True)
        for path in sorted((source / kind).glob("*.nii.gz"))[:12]:
            (few / kind / path.name).symlink_to(path)
    import_nifti(few / "imagesTr", few / "labelsTr", tmp_path / "out")
    cohort = Cohort.read(tmp_path / "out", need=TRUTHS["mask"].COLUMN)
    labels = ["background", "anterior", "posterior"]
    assert TRUTHS["mask"].infer(cohort.cases) == ["background", "label1", "label2"]
    report = check_cohort(cohort, truth="mask", labels=labels)
    assert not report.blocking
    train = cohort.split("train")
    look = fingerprint(train, truth="mask", labels=labels)
    assert look.class_counts == {"anterior": len(train), "posterior": len(train)}
    # The set's own description: 2.7% and 2.5% of the voxels.
    assert look.foreground_fraction == pytest.approx({"anterior": 0.027, "posterior": 0.025}, rel=0.3)
    case = train[0]
    image = load_case(case)
    shown = TRUTHS["mask"].look(case, image, labels)
    assert sum(shown.counts.values()) == image.array[0].size and set(shown.counts) == {"0", "1", "2"}
    assert [f.code for f in check_cohort(cohort, truth="mask", labels=labels[:2]).blocking] == [
        "mask.values"
    ] * len(cohort)
