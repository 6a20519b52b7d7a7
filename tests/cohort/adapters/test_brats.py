"""Folders of the BraTS challenges."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from tests.cohort.layouts import (
    Damage,
    added,
    fault,
    goes_on,
    gone,
    label_map,
    refused,
    task_of,
    text,
    volume,
)

from overread.cohort.adapters.brats import import_brats

OLD, NEW = ("t1", "t1ce", "t2", "flair"), ("t1n", "t1c", "t2w", "t2f")


def _case(
    root: Path, name: str, seed: int = 0, new: bool = False, labels: tuple[int, ...] | None = None
) -> None:
    mark = "-" if new else "_"
    for k, kind in enumerate(NEW if new else OLD):
        volume(root / name / f"{name}{mark}{kind}.nii.gz", 4 * seed + k)
    label_map(root / name / f"{name}{mark}seg.nii.gz", labels or ((1, 2, 3) if new else (1, 2, 4)))


def _layout_2020(root: Path, cases: int = 6) -> Path:
    train = root / "MICCAI_BraTS2020_TrainingData"
    for i in range(1, cases + 1):
        _case(train, f"BraTS20_Training_{i:03d}", i)
    text(
        train / "name_mapping.csv",
        "Grade,BraTS_2019_subject_ID,TCGA_TCIA_subject_ID,BraTS_2020_subject_ID",
        "HGG,NA,NA,BraTS20_Training_001",
        "LGG,BraTS19_TCIA10_152_1,TCGA-HT-7602,BraTS20_Training_002",
        "LGG,BraTS19_TCIA10_153_1,TCGA-HT-7602,BraTS20_Training_003",
    )
    text(
        train / "survival_info.csv",
        "Brats20ID,Age,Survival_days,Extent_of_Resection",
        "BraTS20_Training_001,60.463,289,GTR",
        "BraTS20_Training_002,52.2,ALIVE (361 days later),NA",
    )
    hidden = root / "MICCAI_BraTS2020_ValidationData"
    _case(hidden, "BraTS20_Validation_001")
    (hidden / "BraTS20_Validation_001" / "BraTS20_Validation_001_seg.nii.gz").unlink()
    return root


def test_2020_with_its_tables(tmp_path: Path) -> None:
    root = _layout_2020(tmp_path / "set")
    import_brats(root, tmp_path / "out")
    task = task_of(tmp_path / "out")
    assert task["labels"][3] == "enhancing tumor" and task["modality"] == ["MR"]
    assert (
        "1 cases without labels" in task["source"]["note"]
        and "4 in the source, is 3 here" in task["source"]["note"]
    )
    cohort = goes_on(tmp_path / "out")
    assert cohort.channels == OLD and len(cohort) == 6
    first, second, third = cohort.cases[:3]
    assert first.patient == "BraTS20_Training_001"
    assert first.attributes["grade"] == "HGG" and first.attributes["age"] == "60.463"
    assert first.attributes["resection"] == "GTR" and second.attributes["resection"] == ""
    assert second.attributes["survival_days"] == "ALIVE (361 days later)"
    assert second.patient == third.patient == "TCGA-HT-7602" and second.split == third.split
    folder = root / "MICCAI_BraTS2020_TrainingData" / "BraTS20_Training_001"
    assert first.images["t1ce"].samefile(folder / "BraTS20_Training_001_t1ce.nii.gz")
    assert first.mask is not None
    ours = np.asarray(nib.load(first.mask).dataobj)
    theirs = np.asarray(nib.load(folder / "BraTS20_Training_001_seg.nii.gz").dataobj)
    np.testing.assert_array_equal(ours, np.where(theirs == 4, 3, theirs))
    np.testing.assert_array_equal(
        nib.load(first.mask).affine, nib.load(folder / "BraTS20_Training_001_seg.nii.gz").affine
    )


def test_2018_grades_by_folder(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for i in range(5):
        _case(root / ("HGG" if i % 2 else "LGG"), f"Brats18_TCIA0{i}_1_1", i)
    text(
        root / "survival_data.csv", "Brats18ID,Age,Survival,ResectionStatus", "Brats18_TCIA01_1_1,61,100,GTR"
    )
    import_brats(root, tmp_path / "out")
    cohort = goes_on(tmp_path / "out")
    assert [c.attributes["grade"] for c in cohort] == ["LGG", "HGG", "LGG", "HGG", "LGG"]
    assert (
        cohort.cases[1].attributes["survival_days"] == "100"
        and cohort.cases[1].attributes["resection"] == "GTR"
    )


def test_2023_visits_of_a_patient_stay_together(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for i in range(12):
        _case(root, f"BraTS-GLI-{i // 2:05d}-{i % 2:03d}", i, new=True)
    import_brats(root, tmp_path / "out")
    cohort = goes_on(tmp_path / "out")
    assert cohort.cases[3].patient == "BraTS-GLI-00001" and cohort.cases[3].visit == "001"
    assert cohort.channels == OLD
    # A label map of 2023 is numbered as ours and stays as it is.
    mask = cohort.cases[3].mask
    assert mask is not None
    assert mask.samefile(root / "BraTS-GLI-00001-001" / "BraTS-GLI-00001-001-seg.nii.gz")
    assert len({(c.patient, c.split) for c in cohort}) == 6


def test_the_label_map_of_2020_with_its_working_name(tmp_path: Path) -> None:
    root = _layout_2020(tmp_path / "set")
    folder = root / "MICCAI_BraTS2020_TrainingData" / "BraTS20_Training_004"
    (folder / "BraTS20_Training_004_seg.nii.gz").rename(folder / "W39_1998.09.19_Segm.nii.gz")
    import_brats(root, tmp_path / "out")
    assert len(goes_on(tmp_path / "out")) == 6


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ((1, 2, 5), r"holds \[0, 1, 2, 5\]; expected"),
        ((1, 3, 4), r"holds \[0, 1, 3, 4\]; expected"),
        ((1, 2, 3), "hold 3 and those of .* hold 4"),
    ],
)
def test_wrong_labels(tmp_path: Path, labels: tuple[int, ...], said: str) -> None:
    root = _layout_2020(tmp_path / "set")
    _case(root / "MICCAI_BraTS2020_TrainingData", "BraTS20_Training_002", labels=labels)
    refused(import_brats, root, said)


@pytest.mark.parametrize(
    ("damage", "said", "options"),
    [
        fault("no folder", gone("."), "no such folder"),
        fault("no files", gone("*"), r"holds no file such as CASE_flair\.nii\.gz"),
        fault(
            "no channel",
            gone("MICCAI_BraTS2020_TrainingData/BraTS20_Training_003/BraTS20_Training_003_t2.nii.gz"),
            "case BraTS20_Training_003 has no t2; found flair, seg, t1",
        ),
        fault(
            "no labels",
            gone("MICCAI_BraTS2020_TrainingData/BraTS20_Training_003/BraTS20_Training_003_seg.nii.gz"),
            "has no label map BraTS20_Training_003_seg",
        ),
        fault("validation alone", gone("MICCAI_BraTS2020_TrainingData"), "none of 1 cases has a label map"),
        fault(
            "twice",
            added("MICCAI_BraTS2020_TrainingData/BraTS20_Training_003/BraTS20_Training_003_t2.nii", volume),
            "for t2 too; keep one",
        ),
        fault(
            "grid",
            added(
                "MICCAI_BraTS2020_TrainingData/BraTS20_Training_003/BraTS20_Training_003_t2.nii.gz",
                volume,
                shape=(6, 7, 9),
            ),
            "lies on another grid than .*003_t2",
        ),
        fault(
            "four axes",
            added(
                "MICCAI_BraTS2020_TrainingData/BraTS20_Training_003/BraTS20_Training_003_t2.nii.gz",
                volume,
                shape=(6, 7, 8, 2),
            ),
            "003_t2.nii.gz: has 2 channels",
        ),
    ],
)
def test_missing_files(tmp_path: Path, damage: Damage, said: str, options: dict[str, str]) -> None:
    folder = _layout_2020(tmp_path / "set")
    damage(folder)
    refused(import_brats, folder, said, **options)
