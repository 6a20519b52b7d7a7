"""Data sets in BIDS."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from tests.cohort.layouts import (
    Damage,
    added,
    both,
    edited,
    fault,
    goes_on,
    gone,
    label_map,
    refused,
    task_of,
    text,
    volume,
)

from overread.cohort.adapters.bids import import_bids
from overread.cohort.cohort import Cohort


def _layout(root: Path, people: int = 6, sessions: tuple[str, ...] = (), masks: bool = True) -> Path:
    text(root / "dataset_description.json", '{"Name": "Lesions", "BIDSVersion": "1.9.0", "License": "CC0"}')
    text(root / "T1w.json", '{"Manufacturer": "A", "MagneticFieldStrength": 3}')
    rows = ["participant_id\tage\tSex\tgroup\tlabel"]
    for i in range(1, people + 1):
        who = f"sub-{i:02d}"
        rows.append(f"{who}\t{40 + i}\t{'F' if i % 2 else 'n/a'}\t{'patient' if i % 2 else 'control'}\tx")
        for ses in sessions or ("",):
            below = root / who / f"ses-{ses}" if ses else root / who
            stem = f"{who}_ses-{ses}" if ses else who
            seed = 10 * i + len(ses)
            volume(below / "anat" / f"{stem}_T1w.nii.gz", seed)
            volume(below / "anat" / f"{stem}_run-2_T1w.nii.gz", seed + 300)
            volume(below / "anat" / f"{stem}_acq-fast_FLAIR.nii.gz", seed + 600)
            volume(below / "func" / f"{stem}_task-rest_bold.nii.gz", seed, (6, 7, 8, 2))
            text(
                below / f"{stem}_scans.tsv",
                "filename\tacq_time",
                f"anat/{stem}_T1w.nii.gz\t1877-06-{i:02d}T13:45:30",
            )
            if masks:
                where = root / "derivatives" / "manual" / below.relative_to(root) / "anat"
                label_map(where / f"{stem}_label-lesion_mask.nii.gz")
    volume(root / "sub-01" / "anat" / "sub-01_T2w.nii.gz") if not sessions else None
    text(root / "participants.tsv", *rows)
    return root


def test_channels_masks_attributes(tmp_path: Path) -> None:
    root = _layout(tmp_path / "set")
    name = "sub-03_T1w.json"
    text(root / "sub-03" / "anat" / name, '{"ManufacturersModelName": "Prisma", "InstitutionName": "North"}')
    import_bids(root, tmp_path / "out")
    task = task_of(tmp_path / "out")
    assert task["labels"] == ["background", "lesion"] and task["source"]["licence"] == "CC0"
    note = task["source"]["note"]
    assert (
        "6 images of func were left out" in note
        and "6 further runs" in note
        and "images not taken: T2w" in note
    )
    cohort = goes_on(tmp_path / "out")
    assert cohort.channels == ("T1w", "acq_fast_FLAIR")
    third = cohort.cases[2]
    assert third.patient == third.case == "sub-03" and third.date == date(1877, 6, 3) and third.visit == ""
    assert third.attributes["age"] == "43" and third.attributes["sex"] == "F"
    assert third.attributes["scanner"] == "A Prisma" and third.attributes["site"] == "North"
    assert cohort.cases[1].attributes["scanner"] == "A" and cohort.cases[1].attributes["sex"] == ""
    assert third.attributes["field_strength"] == "3" and third.attributes["participant_label"] == "x"
    assert third.images["T1w"].samefile(root / "sub-03" / "anat" / "sub-03_T1w.nii.gz")


def test_sessions_are_visits_of_one_patient(tmp_path: Path) -> None:
    root = _layout(tmp_path / "set", sessions=("pre", "post"))
    text(root / "sub-02" / "sub-02_sessions.tsv", "session_id\tage", "ses-pre\t50.5", "ses-post\t51")
    import_bids(root, tmp_path / "out", channels="T1w")
    cohort = goes_on(tmp_path / "out")
    assert len(cohort) == 12 and cohort.channels == ("image",)
    mine = [c for c in cohort if c.patient == "sub-02"]
    assert {c.visit: c.attributes["age"] for c in mine} == {"pre": "50.5", "post": "51"}
    assert {c.case for c in mine} == {"sub-02_ses-pre", "sub-02_ses-post"} and len(
        {c.split for c in mine}
    ) == 1


def test_a_column_is_the_class(tmp_path: Path) -> None:
    root = _layout(tmp_path / "set", people=10, masks=False)
    table = root / "participants.tsv"
    table.write_text(table.read_text().replace("sub-10\t50\tn/a\tcontrol", "sub-10\t50\tn/a\tn/a"))
    import_bids(root, tmp_path / "out", channels="T1w", label="group")
    task = task_of(tmp_path / "out")
    assert task["task"] == "classification" and task["labels"] == ["control", "patient"]
    assert "1 sessions without group were left out" in task["source"]["note"]
    cohort = goes_on(tmp_path / "out")
    assert {c.case: c.label for c in cohort}["sub-03"] == "patient" and len(cohort) == 9
    refused(import_bids, root, "has no column 'arm'; found age, sex, group", label="arm")


def test_names_of_a_segmentation(tmp_path: Path) -> None:
    root = _layout(tmp_path / "set", masks=False)
    for i in range(1, 7):
        where = root / "derivatives" / "atlas" / f"sub-{i:02d}" / "anat"
        label_map(where / f"sub-{i:02d}_desc-all_dseg.nii.gz", (1, 2))
        label_map(where / f"sub-{i:02d}_label-brain_mask.nii.gz")
    refused(import_bids, root, "several kinds of masks .*desc-all_dseg, label-brain_mask.*choose one")
    text(root / "derivatives" / "atlas" / "desc-all_dseg.tsv", "index\tname", "1\tcore", "2\tedema")
    import_bids(root, tmp_path / "out", masks="dseg")
    assert task_of(tmp_path / "out")["labels"] == ["background", "core", "edema"]
    text(root / "derivatives" / "atlas" / "desc-all_dseg.tsv", "index\tname", "2\tedema")
    refused(import_bids, root, "has no row for 1", masks="_dseg.nii.gz")


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("dataset_description.json", "set: has no dataset_description.json"),
        ("sub-04/anat/sub-04_T1w.nii.gz", "no T1w image of sub-04"),
        ("derivatives/manual/sub-04/anat/sub-04_label-lesion_mask.nii.gz", "no label-lesion_mask of sub-04"),
    ],
)
def test_missing_files(tmp_path: Path, gone: str, said: str) -> None:
    root = _layout(tmp_path / "set")
    (root / gone).unlink()
    for run in root.glob("sub-04/anat/*run-2*"):
        run.unlink()
    refused(import_bids, root, said, channels="T1w")


def _unfetched(path: Path) -> None:
    path.unlink()
    path.symlink_to("../../.git/annex/objects/gone")


@pytest.mark.parametrize(
    ("damage", "said", "options"),
    [
        fault("channel", both(), "--channels names 'PD'; found T1w, T2w, acq-fast_FLAIR", channels="PD"),
        fault("masks", both(), "no such masks .found label-lesion_mask", masks="label-brain_mask"),
        fault(
            "value",
            added("derivatives/manual/sub-02/anat/sub-02_label-lesion_mask.nii.gz", label_map, (2,)),
            "hold 2, expected at most 1",
        ),
        fault(
            "grid",
            added(
                "derivatives/manual/sub-02/anat/sub-02_label-lesion_mask.nii.gz", label_map, shape=(6, 7, 9)
            ),
            "lies on another grid than ",
        ),
        fault(
            "no row",
            edited("participants.tsv", "sub-05\t", "sub-99\t"),
            r"participants\.tsv: has no row for sub-05",
        ),
        fault(
            "four axes",
            added("sub-03/anat/sub-03_T1w.nii.gz", volume, shape=(6, 7, 8, 2)),
            "has four axes, expected one volume",
            channels="T1w",
        ),
        fault(
            "link",
            added("sub-03/anat/sub-03_T1w.nii.gz", _unfetched),
            "a link whose content is not here; fetch it",
        ),
        fault("no images", gone("sub-*"), "has no sub-.*found images of nothing"),
    ],
)
def test_other_faults(tmp_path: Path, damage: Damage, said: str, options: dict[str, str]) -> None:
    folder = _layout(tmp_path / "set")
    damage(folder)
    refused(import_bids, folder, said, **options)


def test_the_cohort_is_read_again(tmp_path: Path) -> None:
    root = _layout(tmp_path / "set")
    import_bids(root, tmp_path / "out")
    before = Cohort.read(tmp_path / "out").digest()
    import_bids(root, tmp_path / "out")
    assert Cohort.read(tmp_path / "out").digest() == before
