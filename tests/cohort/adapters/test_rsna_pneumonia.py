"""The RSNA pneumonia challenge in its published layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cohort.layouts import (
    Damage,
    added,
    boxes_of,
    bytes_of,
    edited,
    fault,
    goes_on,
    gone,
    refused,
    task_of,
    text,
)
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


@pytest.mark.parametrize(
    ("damage", "said", "options"),
    [
        fault(
            "no image",
            gone("stage_2_train_images/00000003-0000.dcm"),
            "lists 1 of 12 images .*00000003-0000; unpack",
        ),
        fault(
            "damaged",
            added("stage_2_train_images/00000003-0000.dcm", bytes_of, b"cut short"),
            "00000003-0000.dcm: not a DICOM file .*send it again",
        ),
        fault(
            "class",
            edited("stage_2_detailed_class_info.csv", "00000003-0000,Lung Opacity", "00000003-0000,Normal"),
            "00000003-0000: class is 'Normal', but .* gives it 2 boxes",
        ),
        fault(
            "unknown class",
            edited("stage_2_detailed_class_info.csv", "00000003-0000,Lung Opacity", "00000003-0000,Opaque"),
            "class is 'Opaque', expected one of Normal",
        ),
        fault(
            "no class",
            edited("stage_2_detailed_class_info.csv", "00000003-0000,Lung Opacity\n", "", -1),
            "lacks 1 images of stage_2_train_labels.csv: 00000003-0000",
        ),
        fault(
            "box",
            edited("stage_2_train_labels.csv", "00000001-0000,1.0,2.0,10.0", "00000001-0000,1.0,2.0,100.0"),
            "leaves the image of 32 x 24",
        ),
        fault(
            "half a box",
            edited("stage_2_train_labels.csv", "00000001-0000,1.0,2.0,10.0", "00000001-0000,,2.0,10.0"),
            "Target is 1; expected a box",
        ),
        fault(
            "target",
            edited("stage_2_train_labels.csv", "1.0,2.0,10.0,12.0,1", "1.0,2.0,10.0,12.0,3"),
            "Target is '3', expected 0 or 1",
        ),
        fault(
            "mapping",
            added(MAPPING, text, '[{"subset_img_id": "00000003-0000", "img_id": "00000001_000.png"}]'),
            "lacks 11 images, such as 00000000-0000",
        ),
        fault("no mapping", added(MAPPING, text, '{"a": 1}'), "expected a list with subset_img_id"),
        fault("no table", gone("stage_2_train_labels.csv"), "has no stage_2_train_labels.csv"),
    ],
)
def test_faults(tmp_path: Path, damage: Damage, said: str, options: dict[str, str]) -> None:
    folder = _folder(tmp_path / "set", 12)
    damage(folder)
    refused(import_rsna_pneumonia, folder, said, **options)
