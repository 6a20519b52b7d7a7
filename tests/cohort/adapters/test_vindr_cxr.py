"""VinDr-CXR in its published layout."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cohort.layouts import (
    Damage,
    added,
    begins,
    boxes_of,
    bytes_of,
    edited,
    fault,
    gone,
    picture,
    refused,
    text,
)
from tests.cohort.radiographs import radiograph

from overread.cohort.adapters.vindr_cxr import FINDINGS, consensus, import_vindr_cxr
from overread.cohort.load import load_case


def _labels(*present: str) -> str:
    return ",".join("1" if name in present else "0" for name in FINDINGS)


def _folder(root: Path, suffix: str = ".dicom") -> Path:
    """Ten training images of three readers, of whom the third differs, and two test images."""
    header = ",".join(("image_id", "rad_id", *FINDINGS))
    labels, boxes = [], []
    for i in range(10):
        name = f"{i:032x}"
        if suffix == ".dicom":
            radiograph(root / "train" / f"{name}.dicom", seed=i, PatientSex="F", PatientAge="067Y")
        else:
            picture(root / "train" / f"{name}{suffix}", i, colour=False)
        for reader in ("R8", "R9", "R10"):
            if i % 2:
                labels.append(f"{name},{reader},{_labels('No finding')}")
                boxes.append(f"{name},{reader},No finding,,,,")
            else:
                more = () if reader == "R10" else ("Pneumonia",)
                labels.append(f"{name},{reader},{_labels('Cardiomegaly', *more)}")
                boxes.append(f"{name},{reader},Cardiomegaly,{2 + i / 4},3,{20 + i / 4},18.5")
    text(root / "annotations" / "image_labels_train.csv", header, *labels)
    text(
        root / "annotations" / "annotations_train.csv",
        "image_id,rad_id,class_name,x_min,y_min,x_max,y_max",
        *boxes,
    )
    for i in range(20, 22):
        name = f"{i:032x}"
        if suffix == ".dicom":
            radiograph(root / "test" / f"{name}.dicom", seed=i)
        else:
            picture(root / "test" / f"{name}{suffix}", i, colour=False)
    header = ",".join(("image_id", *FINDINGS)).replace("Other diseases", "Other disease")
    rows = [f"{20:032x},{_labels('Edema')}", f"{21:032x},{_labels('No finding')}"]
    text(root / "annotations" / "image_labels_test.csv", header, *rows)
    text(
        root / "annotations" / "annotations_test.csv",
        "image_id,class_name,x_min,y_min,x_max,y_max",
        f"{20:032x},Edema,1,2,30,20",
        f"{21:032x},No finding,,,,",
    )
    return root


def test_readers_and_consensus(tmp_path: Path) -> None:
    import_vindr_cxr(_folder(tmp_path / "set"), tmp_path / "out")
    cohort = begins(tmp_path / "out")
    assert len(cohort) == 12 and cohort.findings == FINDINGS
    cases = {c.case: c for c in cohort}
    case = cases[f"{2:032x}"]
    assert {k for k, v in case.findings.items() if v} == {"Cardiomegaly", "Pneumonia"}
    assert case.attributes["disagreed"] == "Pneumonia 2/3" and case.attributes["readers"] == "R10 R8 R9"
    assert case.attributes["sex"] == "F" and case.attributes["age"] == "67"
    assert boxes_of(case) == [
        {"label": "Cardiomegaly", "box": [2.5, 3.0, 20.5, 18.5], "reader": r} for r in ("R8", "R9", "R10")
    ]
    assert boxes_of(cases[f"{1:032x}"]) == [] and cases[f"{1:032x}"].findings["No finding"] == 1
    assert {c.case for c in cohort.split("test")} == {f"{20:032x}", f"{21:032x}"}
    assert boxes_of(cases[f"{20:032x}"])[0]["reader"] == "consensus"
    assert load_case(case).array.shape == (1, 24, 32)


def test_the_majority_decides() -> None:
    def reader(*present: str) -> dict[str, int]:
        return {name: int(name in present) for name in FINDINGS}

    labels, disagreed = consensus({"R1": reader("ILD"), "R2": reader("ILD", "COPD"), "R3": reader("Edema")})
    assert {k for k, v in labels.items() if v} == {"ILD"}
    assert disagreed == ["Edema 1/3", "ILD 2/3", "COPD 1/3"]
    tie, _ = consensus({"R1": reader("ILD"), "R2": reader()})
    assert not any(tie.values())


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_pictures_without_headers(tmp_path: Path, suffix: str) -> None:
    import_vindr_cxr(_folder(tmp_path / "set", suffix), tmp_path / "out")
    cohort = begins(tmp_path / "out")
    assert {c.attributes["age"] for c in cohort} == {""} and len(cohort) == 12


@pytest.mark.parametrize(
    ("damage", "said", "options"),
    [
        fault("no image", gone(f"train/{3:032x}.png"), "lists 1 of 10 images"),
        fault("no boxes", gone("annotations/annotations_test.csv"), "annotations_test.csv"),
        fault("no labels", gone("annotations/image_labels_train.csv"), "image_labels_train.csv"),
        fault(
            "class",
            edited("annotations/annotations_train.csv", ",Cardiomegaly,", ",Cardiomegali,"),
            "class_name is 'Cardiomegali', expected one of Aortic",
        ),
        fault(
            "box",
            edited(
                "annotations/annotations_train.csv",
                ",Cardiomegaly,2.0,3,20.0,",
                ",Cardiomegaly,2.0,3,2000.0,",
            ),
            "leaves the image of 32 x 24 pixels",
        ),
        fault(
            "no extent",
            edited(
                "annotations/annotations_train.csv", ",Cardiomegaly,2.0,3,20.0,", ",Cardiomegaly,2.0,3,1.0,"
            ),
            "has no extent",
        ),
        fault(
            "no labels of an image",
            edited("annotations/annotations_train.csv", f"{0:032x},R8", "other,R8"),
            "other is not in image_labels_train.csv",
        ),
        fault(
            "value",
            edited("annotations/image_labels_train.csv", "R9,0,", "R9,2,"),
            "Aortic enlargement is '2', expected 0 or 1",
        ),
        fault(
            "reader twice",
            edited("annotations/image_labels_train.csv", "R9,0,", "R8,0,"),
            "of reader R8 stands in more than one row",
        ),
        fault("column", edited("annotations/image_labels_train.csv", "COPD", "COPF"), "no column 'COPD'"),
        fault(
            "not DICOM",
            added(f"train/{0:032x}.dicom", bytes_of, b"not DICOM" * 30),
            "not a DICOM file",
            suffix=".dicom",
        ),
    ],
)
def test_faults(tmp_path: Path, damage: Damage, said: str, options: dict[str, str]) -> None:
    options = dict(options)
    folder = _folder(tmp_path / "set", options.pop("suffix", ".png"))
    damage(folder)
    refused(import_vindr_cxr, folder, said, **options)
