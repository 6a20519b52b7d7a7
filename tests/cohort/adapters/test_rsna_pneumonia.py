"""The RSNA pneumonia challenge in its published layout."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cohort.layouts import boxes_of, goes_on, refused, task_of, text
from tests.cohort.radiographs import radiograph

from overread.cohort.adapters.rsna_pneumonia import DETAILED, MAPPING, import_rsna_pneumonia


def _folder(root: Path, images: int = 40) -> Path:
    labels, classes, mapping = [], [], []
    for i in range(images):
        name = f"{i:08x}-0000"
        radiograph(
            root / "stage_2_train_images" / f"{name}.dcm",
            seed=i,
            PatientID=name,
            PatientSex="M",
            PatientAge="51",
            ViewPosition="AP",
        )
        boxes = ["1.0,2.0,10.0,12.0,1", "15.0,5.0,9.5,8.0,1"] if i % 2 else [",,,,0"]
        labels += [f"{name},{box}" for box in boxes]
        classes += [f"{name},{DETAILED[2] if i % 2 else DETAILED[i % 4 // 2]}" for _ in boxes]
        mapping.append({"subset_img_id": name, "img_id": f"{1 + i // 4:08d}_{i % 4:03d}.png"})
    radiograph(root / "stage_2_test_images" / "unknown.dcm")
    text(root / "stage_2_train_labels.csv", "patientId,x,y,width,height,Target", *labels)
    text(root / "stage_2_detailed_class_info.csv", "patientId,class", *classes)
    (root / MAPPING).write_text(json.dumps(mapping))
    return root


def _edit(path: Path, old: str, new: str) -> None:
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new, 1))


def test_boxes_labels_and_the_patients_of_the_nih(tmp_path: Path) -> None:
    import_rsna_pneumonia(_folder(tmp_path / "set"), tmp_path / "out")
    cohort = goes_on(tmp_path / "out")
    cases = {c.case: c for c in cohort}
    case = cases["00000005-0000"]
    assert case.label == "lung opacity" and case.patient == "2" and case.attributes["class"] == "Lung Opacity"
    assert boxes_of(case) == [
        {"label": "lung opacity", "box": [1.0, 2.0, 11.0, 14.0]},
        {"label": "lung opacity", "box": [15.0, 5.0, 24.5, 13.0]},
    ]
    healthy = cases["00000004-0000"]
    assert healthy.label == "no lung opacity" and boxes_of(healthy) == []
    assert healthy.attributes["class"] == "Normal" and healthy.attributes["age"] == "51"
    assert len(cases) == 40 and len({c.patient for c in cohort}) == 10
    assert all(len({c.split for c in cohort if c.patient == p}) == 1 for p in {c.patient for c in cohort})
    task = task_of(tmp_path / "out")
    assert task["positive"] == "lung opacity" and MAPPING in task["source"]["note"]


def test_without_the_mapping_every_image_is_alone(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "set")
    (folder / MAPPING).unlink()
    import_rsna_pneumonia(folder, tmp_path / "out")
    cohort = goes_on(tmp_path / "out")
    assert {c.case == c.patient for c in cohort} == {True}
    assert "counts as its own patient" in task_of(tmp_path / "out")["source"]["note"]


def test_faults(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "set", 12)
    image = folder / "stage_2_train_images" / "00000003-0000.dcm"
    kept = image.read_bytes()
    image.unlink()
    refused(import_rsna_pneumonia, folder, "lists 1 of 12 images .*00000003-0000; unpack")
    image.write_bytes(kept[:40])
    refused(import_rsna_pneumonia, folder, "00000003-0000.dcm: not a DICOM file .*send it again")
    image.write_bytes(kept)
    table, classes = folder / "stage_2_train_labels.csv", folder / "stage_2_detailed_class_info.csv"
    _edit(classes, "00000003-0000,Lung Opacity", "00000003-0000,Normal")
    refused(import_rsna_pneumonia, folder, "00000003-0000: class is 'Normal', but .* gives it 2 boxes")
    _edit(classes, "00000003-0000,Normal", "00000003-0000,Opaque")
    refused(import_rsna_pneumonia, folder, "class is 'Opaque', expected one of Normal")
    _edit(classes, "00000003-0000,Opaque\n00000003-0000,Lung Opacity\n", "")
    refused(import_rsna_pneumonia, folder, "lacks 1 images of stage_2_train_labels.csv: 00000003-0000")
    _edit(table, "00000001-0000,1.0,2.0,10.0", "00000001-0000,1.0,2.0,100.0")
    _edit(classes, "patientId,class", "patientId,class\n00000003-0000,Lung Opacity")
    refused(import_rsna_pneumonia, folder, "leaves the image of 32 x 24")
    _edit(table, "00000001-0000,1.0,2.0,100.0", "00000001-0000,,2.0,100.0")
    refused(import_rsna_pneumonia, folder, "Target is 1; expected a box")
    _edit(table, ",,2.0,100.0,12.0,1", ",,2.0,100.0,12.0,3")
    refused(import_rsna_pneumonia, folder, "Target is '3', expected 0 or 1")
    folder = _folder(tmp_path / "map", 12)
    (folder / MAPPING).write_text('[{"subset_img_id": "00000003-0000", "img_id": "00000001_000.png"}]')
    refused(import_rsna_pneumonia, folder, "lacks 11 images, such as 00000000-0000")
    (folder / MAPPING).write_text('{"a": 1}')
    refused(import_rsna_pneumonia, folder, "expected a list with subset_img_id")
    (folder / "stage_2_train_labels.csv").unlink()
    refused(import_rsna_pneumonia, folder, "has no stage_2_train_labels.csv")
