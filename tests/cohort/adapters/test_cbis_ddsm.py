"""CBIS-DDSM in the layout of its download."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.cohort.layouts import (
    Damage,
    added,
    boxes_of,
    edited,
    fault,
    goes_on,
    gone,
    moved,
    refused,
    task_of,
    text,
)
from tests.cohort.radiographs import radiograph

from overread.cohort.adapters.cbis_ddsm import import_cbis_ddsm
from overread.cohort.load import load_case
from overread.cohort.truth.mask import read_mask

MASS = (
    "patient_id,breast_density,left or right breast,image view,abnormality id,abnormality type,mass shape,"
    "mass margins,assessment,pathology,subtlety,image file path,cropped image file path,ROI mask file path"
)
CALC = MASS.replace("breast_density", "breast density").replace("mass shape", "calc type")
CALC = CALC.replace("mass margins", "calc distribution")
SHAPE = (40, 30)


def _mask(row: int, column: int, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    array = np.zeros(shape, np.uint8)
    array[row : row + 6, column : column + 5] = 255
    return array


class Download:
    """Writes mammograms with their abnormalities below ``root`` and remembers the rows of the tables."""

    def __init__(self, root: Path) -> None:
        self.root, self.seed = root, 0
        self.rows: dict[tuple[str, str], list[str]] = {
            (k, p): [] for k in ("mass", "calc") for p in ("train", "test")
        }

    def add(
        self,
        kind: str,
        part: str,
        n: int,
        pathology: str,
        count: int = 1,
        swapped: bool = False,
        shape: tuple = SHAPE,
    ) -> None:
        self.seed += 1
        word = {"train": "Training", "test": "Test"}[part]
        name = f"{kind.capitalize()}-{word}_P_{n:05d}_LEFT_CC"
        place = "07-20-2016-DDSM-NA-1/1.000000-full mammogram images-24515/1-1.dcm"
        noise = np.random.default_rng(self.seed).integers(0, 60000, SHAPE).astype(np.uint16)
        radiograph(self.root / "CBIS-DDSM" / name / place, noise, Modality="MG")
        for k in range(1, count + 1):
            roi = self.root / "CBIS-DDSM" / f"{name}_{k}" / "07-21-2016-DDSM-NA-2"
            crop = radiograph(
                roi / "1.000000-cropped images-1" / "1-1.dcm", noise[:9, :8].copy(), Modality="MG"
            )
            mask = radiograph(
                roi
                / ("1.000000-cropped images-1/1-2.dcm" if k == 2 else "1.000000-ROI mask images-2/1-1.dcm"),
                _mask(4 * k, 3 * k, shape),
                Modality="MG",
            )
            if swapped:
                kept = crop.read_bytes()
                crop.write_bytes(mask.read_bytes())
                mask.write_bytes(kept)
            uids = "1.3.6.1.4.1.9590.1/1.3.6.1.4.1.9590.2"
            self.rows[kind, part].append(
                f"P_{n:05d},3,LEFT,CC,{k},{kind},OVAL,ILL_DEFINED,4,{pathology},5,{name}/{uids}/000000.dcm,"
                f'"{name}_{k}/{uids}/000000.dcm\n","{name}_{k}/{uids}/000001.dcm\n"'
            )

    def write(self) -> Path:
        for (kind, part), rows in self.rows.items():
            if rows:
                header = MASS if kind == "mass" else CALC
                text(self.root / f"{kind}_case_description_{part}_set.csv", header, *rows)
        return self.root


def _folder(root: Path, kinds: tuple[str, ...] = ("mass", "calc")) -> Download:
    """Sixteen training and four test patients of a kind; some have two abnormalities, some swapped files."""
    download = Download(root)
    for base, kind in enumerate(kinds):
        for n in range(20):
            pathology = ("BENIGN", "MALIGNANT", "BENIGN_WITHOUT_CALLBACK", "MALIGNANT")[n % 4]
            part = "train" if n < 16 else "test"
            download.add(kind, part, 100 * base + n, pathology, 1 + (n % 5 == 0), swapped=n % 3 == 0)
    return download


def test_masks_boxes_and_pathology(tmp_path: Path) -> None:
    import_cbis_ddsm(_folder(tmp_path / "set").write(), tmp_path / "out")
    cohort = goes_on(tmp_path / "out")
    cases = {c.case: c for c in cohort}
    assert len(cases) == 40 and {c.case for c in cohort if c.attributes["official_split"] == "test"} == {
        c.case for c in cohort.split("test")
    }
    for n in (0, 5, 3):  # Two abnormalities with swapped files, two in order, one swapped.
        case = cases[f"Mass-Training_P_{n:05d}_LEFT_CC"]
        truth = _mask(4, 3) | (_mask(8, 6) if n % 5 == 0 else 0)
        np.testing.assert_array_equal(read_mask(case, load_case(case), labels=2), truth > 0)
        found = boxes_of(case)
        assert [b["box"] for b in found] == [[3.0, 4.0, 8.0, 10.0], [6.0, 8.0, 11.0, 14.0]][: len(found)]
        assert (
            len(found) == 1 + (n % 5 == 0)
            and found[0]["label"] == "mass"
            and found[0]["mass shape"] == "OVAL"
        )
    case = cases["Calc-Test_P_00117_LEFT_CC"]
    assert case.label == "malignant" and case.attributes["abnormality"] == "calcification"
    assert (case.attributes["side"], case.attributes["view"], case.attributes["density"]) == (
        "left",
        "CC",
        "3",
    )
    assert case.patient == "P_00117" and case.split == "test"
    assert cases["Mass-Training_P_00002_LEFT_CC"].label == "benign"


def test_a_patient_of_both_parts_is_tested(tmp_path: Path) -> None:
    download = _folder(tmp_path / "set")
    download.add("calc", "test", 1, "BENIGN")
    import_cbis_ddsm(download.write(), tmp_path / "out")
    cohort = goes_on(tmp_path / "out")
    both = [c for c in cohort if c.patient == "P_00001"]
    assert {c.split for c in both} == {"test"} and {c.attributes["official_split"] for c in both} == {
        "train",
        "test",
    }
    assert (
        "1 patients in two official parts were kept together" in task_of(tmp_path / "out")["source"]["note"]
    )


def test_a_mask_of_another_size_is_left_out_and_told(tmp_path: Path) -> None:
    download = _folder(tmp_path / "set", ("mass",))
    download.add("mass", "train", 50, "MALIGNANT", shape=(38, 30))
    import_cbis_ddsm(download.write(), tmp_path / "out")
    cases = {c.case: c for c in goes_on(tmp_path / "out")}
    case = cases["Mass-Training_P_00050_LEFT_CC"]
    assert case.mask is None and case.boxes is None and case.label == "malignant"
    note = task_of(tmp_path / "out")["source"]["note"]
    assert "1 mammograms are without mask and boxes" in note and "Mass-Training_P_00050_LEFT_CC" in note


@pytest.mark.parametrize(
    ("damage", "said", "options"),
    [
        fault(
            "pathology",
            edited("mass_case_description_train_set.csv", "BENIGN,", "BENIGNE,"),
            "row 2: pathology is 'BENIGNE', expected one of BENIGN, ",
        ),
        fault(
            "side",
            edited("mass_case_description_train_set.csv", "P_00001,3,LEFT", "P_00001,3,RIGHT"),
            "is of P_00001 RIGHT CC, but its image lies in Mass-Training_P_00001",
        ),
        fault(
            "path",
            edited("mass_case_description_train_set.csv", ",Mass-Training_P_00001_LEFT_CC/", ",a/"),
            "expected one that begins as Mass-Training",
        ),
        fault(
            "column",
            edited("mass_case_description_train_set.csv", "pathology", "path"),
            "no column 'pathology'",
        ),
        fault(
            "twice",
            edited(
                "mass_case_description_train_set.csv",
                '"Mass-Training_P_00000_LEFT_CC_2/1.3.6.1.4.1.9590.1/1.3.6.1.4.1.9590.2/000001',
                '"Mass-Training_P_00000_LEFT_CC_1/1/2/000001',
            ),
            "LEFT_CC_1 stands in more than one row",
        ),
        fault(
            "two mammograms",
            added("CBIS-DDSM/Mass-Training_P_00001_LEFT_CC/07-20-2016-DDSM-1/1-full/1-1.dcm", radiograph),
            "has 2 DICOM files .*expected the one mammogram",
        ),
        fault("stray", added("stray.dcm", radiograph), "stray.dcm: lies in no folder such as Mass-Training"),
        fault(
            "unlisted",
            added("CBIS-DDSM/Calc-Test_P_00001_LEFT_CC/1/1-1.dcm", radiograph),
            "holds 1 images .*Calc-Test_P_00001_LEFT_CC; move",
        ),
        fault(
            "two masks",
            added(
                "CBIS-DDSM/Mass-Training_P_00001_LEFT_CC_1/again/1-3.dcm",
                radiograph,
                _mask(1, 1),
                Modality="MG",
            ),
            "are different masks of one abnormality; keep one",
        ),
        fault(
            "no mask",
            moved("CBIS-DDSM/Mass-Training_P_00001_LEFT_CC_1", "Mass-Training_P_00099_LEFT_CC_1"),
            "lists 1 of 44 images .*Mass-Training_P_00001_LEFT_CC_1",
        ),
        fault(
            "no test table",
            gone("mass_case_description_test_set.csv"),
            "has no mass_case_description_test_set.csv",
        ),
        fault(
            "no train table",
            gone("mass_case_description_train_set.csv"),
            "has no mass_case_description_train_set.csv",
        ),
    ],
)
def test_faults(tmp_path: Path, damage: Damage, said: str, options: dict[str, str]) -> None:
    folder = _folder(tmp_path / "set", ("mass",)).write()
    damage(folder)
    refused(import_cbis_ddsm, folder, said, **options)
