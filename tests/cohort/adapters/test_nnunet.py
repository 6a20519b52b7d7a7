"""nnU-Net's raw data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cohort.layouts import (
    Damage,
    added,
    both,
    fault,
    goes_on,
    gone,
    label_map,
    picture,
    refused,
    save,
    task_of,
    volume,
)

from overread.cohort.adapters.nnunet import import_nnunet


def _layout(root: Path, cases: int = 8, tests: int = 3, labelled: bool = True, **changes: Any) -> Path:
    for part, count, first in (("Tr", cases, 0), ("Ts", tests, 100)):
        for i in range(first, first + count):
            for k in range(2):
                volume(root / f"images{part}" / f"la_{i:03d}_{k:04d}.nii.gz", 2 * i + k)
            if part == "Tr" or labelled:
                label_map(root / f"labels{part}" / f"la_{i:03d}.nii.gz", (1, 2))
    content = {
        "channel_names": {"0": "T1", "1": "FLAIR"},
        "labels": {"background": 0, "edema": 1, "core": 2},
        "numTraining": cases,
        "file_ending": ".nii.gz",
    }
    (root / "dataset.json").write_text(
        json.dumps({k: v for k, v in (content | changes).items() if v is not None})
    )
    return root


def test_channels_and_the_test_part(tmp_path: Path) -> None:
    root = _layout(tmp_path / "Dataset007_Brain")
    import_nnunet(root, tmp_path / "out")
    task = task_of(tmp_path / "out")
    assert task["labels"] == ["background", "edema", "core"] and task["modality"] == ["MR"]
    cohort = goes_on(tmp_path / "out")
    assert cohort.channels == ("T1", "FLAIR") and len(cohort) == 11
    assert {c.case for c in cohort.split("test")} == {"la_100", "la_101", "la_102"}
    assert len(cohort.split("val")) == 1
    assert cohort.cases[1].images["FLAIR"].samefile(root / "imagesTr" / "la_001_0001.nii.gz")


def test_without_labels_the_test_part_is_left_out(tmp_path: Path) -> None:
    import_nnunet(_layout(tmp_path / "set", labelled=False), tmp_path / "out")
    assert "3 test images without labels were left out" in task_of(tmp_path / "out")["source"]["note"]
    assert len(goes_on(tmp_path / "out")) == 8


def test_colour_pictures_are_one_file(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for i in range(8):
        picture(root / "imagesTr" / f"road_{i}_0000.png", i)
        mask = np.zeros((24, 32), np.uint8)
        mask[:4] = 1
        save(root / "labelsTr" / f"road_{i}.png", mask)
    content = {
        "channel_names": {"0": "R", "1": "G", "2": "B"},
        "labels": {"background": 0, "vessel": 1},
        "numTraining": 8,
        "file_ending": ".png",
    }
    (root / "dataset.json").write_text(json.dumps(content))
    import_nnunet(root, tmp_path / "out")
    assert task_of(tmp_path / "out")["dimensions"] == 2
    assert goes_on(tmp_path / "out").channels == ("image",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"file_ending": None}, "has no 'file_ending'; it is expected nnU-Net's version 2"),
        ({"channel_names": None, "modality": {"0": "MRI"}}, "it is of version 1"),
        (
            {"labels": {"background": 0, "whole": [1, 2], "core": 2}},
            r"regions made of several values \(whole\)",
        ),
        ({"labels": {"background": 0, "edema": 1, "ignore": 2}}, "a label 'ignore'"),
        ({"labels": {"background": 0, "edema": 1}}, "hold 2, expected at most 1"),
        ({"numTraining": 9}, "numTraining is 9, labelsTr holds 8"),
        ({"channel_names": {"0": "T1"}}, "has the channels 0000, 0001, expected 1"),
        ({"dataset": {}}, "names every file under 'dataset'"),
        ({"file_ending": "nii"}, "file_ending is 'nii'"),
    ],
)
def test_bad_dataset_json(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    refused(import_nnunet, _layout(tmp_path / "set", **changes), said)


@pytest.mark.parametrize(
    ("damage", "said", "options"),
    [
        fault(
            "no channel",
            gone("imagesTr/la_002_0001.nii.gz"),
            "case 'la_002' has the channels 0000, expected 2 from 0000 on",
        ),
        fault("no label map", gone("labelsTr/la_002.nii.gz"), "labelsTr: has no file for la_002"),
        fault("no number", added("imagesTr/la_002.nii.gz", volume), "has no channel number"),
        fault(
            "in both parts",
            both(
                added("imagesTs/la_001_0000.nii.gz", volume),
                added("imagesTs/la_001_0001.nii.gz", volume),
                added("labelsTs/la_001.nii.gz", label_map),
            ),
            "la_001 in labelsTr and in labelsTs",
        ),
        fault(
            "grid",
            added("imagesTr/la_001_0001.nii.gz", volume, shape=(6, 7, 9)),
            r"la_001\.nii\.gz: lies on another grid than .*la_001_0001",
        ),
    ],
)
def test_missing_and_extra_files(tmp_path: Path, damage: Damage, said: str, options: dict[str, str]) -> None:
    folder = _layout(tmp_path / "set")
    damage(folder)
    refused(import_nnunet, folder, said, **options)
