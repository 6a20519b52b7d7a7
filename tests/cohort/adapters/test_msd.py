"""Tasks of the Medical Segmentation Decathlon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
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
    refused,
    task_of,
    volume,
)

from overread.cohort.adapters.msd import import_msd


def _layout(root: Path, cases: int = 6, channels: int = 1, **changes: Any) -> Path:
    shape = (6, 7, 8) if channels == 1 else (6, 7, 8, channels)
    for i in range(cases):
        volume(root / "imagesTr" / f"hippocampus_{i:03d}.nii.gz", i, shape)
        label_map(root / "labelsTr" / f"hippocampus_{i:03d}.nii.gz", (1, 2))
    volume(root / "imagesTs" / "hippocampus_900.nii.gz", 9)
    (root / "imagesTr" / "._hippocampus_000.nii.gz").write_bytes(b"hidden")
    names = [f"hippocampus_{i:03d}.nii.gz" for i in range(cases)]
    content = {
        "name": "Hippocampus",
        "licence": "CC-BY-SA 4.0",
        "modality": {"0": "MRI"} if channels == 1 else {"0": "FLAIR", "1": "T1w"},
        "labels": {"0": "background", "1": "Anterior", "2": "Posterior"},
        "numTraining": cases,
        "training": [{"image": f"./imagesTr/{n}", "label": f"./labelsTr/{n}"} for n in names],
        "test": ["./imagesTs/hippocampus_900.nii.gz"],
    }
    (root / "dataset.json").write_text(json.dumps(content | changes))
    return root


def test_a_task_goes_on_to_init_and_check(tmp_path: Path) -> None:
    root = _layout(tmp_path / "Task04_Hippocampus")
    import_msd(root, tmp_path / "out")
    task = task_of(tmp_path / "out")
    assert task["labels"] == ["background", "Anterior", "Posterior"] and task["modality"] == ["MR"]
    assert task["limits"] == {"body_part": ["HEAD"]} and task["source"]["licence"] == "CC-BY-SA 4.0"
    assert "1 test images without labels were left out" in task["source"]["note"]
    cohort = goes_on(tmp_path / "out")
    assert [c.patient for c in cohort] == [f"hippocampus_{i:03d}" for i in range(6)]
    source = root / "imagesTr" / "hippocampus_002.nii.gz"
    assert cohort.cases[2].images["image"].samefile(source)


def test_channels_of_four_axes(tmp_path: Path) -> None:
    root = _layout(tmp_path / "set", channels=2)
    import_msd(root, tmp_path / "out")
    cohort = goes_on(tmp_path / "out")
    assert cohort.channels == ("FLAIR", "T1w")
    truth = np.asarray(nib.load(root / "imagesTr" / "hippocampus_001.nii.gz").dataobj)
    for k, name in enumerate(cohort.channels):
        np.testing.assert_array_equal(
            np.asarray(nib.load(cohort.cases[1].images[name]).dataobj), truth[..., k]
        )


@pytest.mark.parametrize(
    ("damage", "said", "options"),
    [
        fault(
            "no label map",
            gone("labelsTr/hippocampus_003.nii.gz"),
            r"dataset\.json: lists .*labelsTr/hippocampus_003\.nii\.gz, which is not there",
        ),
        fault(
            "unlisted",
            added("imagesTr/other.nii.gz", volume),
            r"imagesTr: holds other\.nii\.gz, which dataset\.json does not list",
        ),
        fault(
            "no dataset.json",
            gone("dataset.json"),
            r"set: has no dataset\.json .*unpack the whole archive.*found imagesTr",
        ),
        fault("few", both(), "found 2 patients, expected at least 3", cases="2"),
    ],
)
def test_missing_and_extra_files(tmp_path: Path, damage: Damage, said: str, options: dict[str, str]) -> None:
    options = dict(options)
    folder = _layout(tmp_path / "set", cases=int(options.pop("cases", "6")))
    damage(folder)
    refused(import_msd, folder, said, **options)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training": []}, "has no list 'training'"),
        ({"training": [{"image": "x.nii.gz"}]}, "expected an object with 'image' and 'label'"),
        ({"training": [{"image": "../x.nii", "label": "../x.nii"}]}, "outside of its own folder"),
        ({"labels": {"0": "background", "1": "Anterior"}}, "hold 2, expected at most 1"),
        ({"labels": {"0": "background", "2": "Anterior"}}, r"numbered \[0, 2\]"),
    ],
)
def test_bad_dataset_json(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    refused(import_msd, _layout(tmp_path / "set", **changes), said)


def test_label_on_another_grid(tmp_path: Path) -> None:
    root = _layout(tmp_path / "set")
    label_map(root / "labelsTr" / "hippocampus_001.nii.gz", shape=(6, 7, 9))
    refused(import_msd, root, r"hippocampus_001\.nii\.gz: lies on another grid than ")


def test_the_real_hippocampus(data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "msd_hippocampus_3d"
    if not source.is_dir():
        pytest.skip(f"no {source}")
    root = tmp_path / "Task04_Hippocampus"
    names = sorted(p.name for p in (source / "imagesTr").glob("hippo*.nii*"))[:12]
    for part in ("imagesTr", "labelsTr"):
        (root / part).mkdir(parents=True)
        for name in names:
            (root / part / name).symlink_to(source / part / name)
    # The published dataset.json is not in the folder: this one states the same.
    content = {
        "labels": {"0": "background", "1": "Anterior", "2": "Posterior"},
        "modality": {"0": "MRI"},
        "training": [{"image": f"./imagesTr/{n}", "label": f"./labelsTr/{n}"} for n in names],
    }
    (root / "dataset.json").write_text(json.dumps(content))
    import_msd(root, tmp_path / "out")
    assert len(goes_on(tmp_path / "out")) == 12
