"""The virtual cohort: the same for every worker count, valid as DICOM, and what its table says."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import cc3d
import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread

from overread.cohort.cohort import Cohort
from overread.cohort.load import load_case
from overread.cohort.truth.mask import read_mask
from overread.cohort.virtual.anatomy import SHAPE, Template
from overread.cohort.virtual.cohort import exact_splits, make_virtual_cohort
from overread.cohort.virtual.patient import make_patient
from overread.errors import InputError
from overread.imaging.read import read


def _files(folder: Path) -> dict[str, str]:
    found = (p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


def test_bytes_do_not_depend_on_the_worker_count(virtual: Cohort, tmp_path: Path) -> None:
    again = make_virtual_cohort(tmp_path / "two", patients=5, seed=11, workers=2)
    mine, other = _files(virtual.folder), _files(again.folder)
    assert mine == other
    assert len([name for name in mine if name.endswith(".dcm")]) == 5 * 2 * SHAPE[2]


def test_a_patient_depends_on_seed_and_number_alone(
    virtual: Cohort, template: Template, tmp_path: Path
) -> None:
    made = {seed: make_patient(template, tmp_path / str(seed), 3, seed, "train") for seed in (11, 12)}
    flair = {seed: case.images["FLAIR"].read_bytes() for seed, case in made.items()}
    assert flair[11] == virtual.cases[3].images["FLAIR"].read_bytes()
    assert flair[12] != flair[11]


def test_dicom_and_nifti_are_one_image(virtual: Cohort) -> None:
    for case in virtual:
        image = load_case(case)
        assert image.array.dtype == np.int16
        last = np.array([*image.spatial, 1]) - [1, 1, 1, 0]
        for k, name in enumerate(virtual.channels):
            series = read(virtual.folder / "dicom" / case.case / name)
            np.testing.assert_array_equal(series.array[0], image.array[k])
            np.testing.assert_allclose(series.affine @ last, image.affine @ last, atol=1e-3)
            np.testing.assert_allclose(series.affine[:, 3], image.affine[:, 3], atol=1e-3)
            assert series.modality == "MR" and not series.notes
            assert series.source["age_years"] == float(case.attributes["age"])
            assert series.source["PatientSex"] == case.attributes["sex"]


def test_series_of_a_patient_belong_together(virtual: Cohort) -> None:
    seen = Counter[str]()
    for case in virtual:
        slices = [
            dcmread(p, stop_before_pixels=True) for p in (virtual.folder / "dicom" / case.case).rglob("*.dcm")
        ]
        assert {d.PatientID for d in slices} == {case.case}
        assert {d.PatientComments for d in slices} == {"virtual patient"}
        assert {d.StationName for d in slices} == {f"SCANNER-{case.attributes['scanner']}"}
        assert {d.SeriesDescription for d in slices} == {"T1", "FLAIR"}
        assert len({d.StudyInstanceUID for d in slices}) == len({d.FrameOfReferenceUID for d in slices}) == 1
        seen.update(d.SOPInstanceUID for d in slices)
        assert all(d.SOPInstanceUID.startswith("2.25.") for d in slices)
    assert max(seen.values()) == 1


@pytest.mark.skipif(
    not (shutil.which("dciodvfy") or (Path(sys.executable).parent / "dciodvfy").is_file()),
    reason="dciodvfy is not installed",
)
def test_dicom_is_valid(virtual: Cohort) -> None:
    tool = shutil.which("dciodvfy") or str(Path(sys.executable).parent / "dciodvfy")
    for case in virtual.cases[:2]:
        for name in virtual.channels:
            for number in (1, 30):
                path = virtual.folder / "dicom" / case.case / name / f"{number:04d}.dcm"
                done = subprocess.run([tool, str(path)], capture_output=True, text=True, check=False)
                said = done.stdout + done.stderr
                assert done.returncode == 0 and "MRImage" in said
                assert "Error" not in said, said


def test_table_counts_and_measures_the_masks(virtual: Cohort) -> None:
    for case in virtual:
        mask = read_mask(case, load_case(case))
        count = cc3d.connected_components(mask, connectivity=26, return_N=True)[1]
        assert set(np.unique(mask)) <= {0, 1}
        assert int(case.attributes["lesions"]) == count
        assert float(case.attributes["lesion_ml"]) == pytest.approx(mask.sum() * 0.012, abs=1e-3)


def test_lesions_look_as_lesions_do(virtual: Cohort) -> None:
    """Brighter than the brain on FLAIR and darker than white matter on T1, by medians."""
    measured = 0
    for case in virtual:
        image = load_case(case)
        mask = read_mask(case, image) > 0
        if mask.sum() < 20:
            continue
        near = np.zeros_like(mask)
        near[4:-4, 4:-4, 2:-2] = True
        t1, flair = image.array.astype(float)
        tissue = near & ~mask & (flair > np.percentile(flair, 60))
        assert np.median(flair[mask]) > 1.2 * np.median(flair[tissue])
        white = np.percentile(t1[tissue], 80)
        assert np.median(t1[mask]) < white
        measured += 1
    assert measured >= 3


def test_splits_have_exact_shares() -> None:
    assert Counter(exact_splits(100, 0)) == {"train": 70, "val": 10, "test": 20}
    for patients in range(3, 20):
        assert set(exact_splits(patients, 1)) == {"train", "val", "test"}


@pytest.mark.parametrize(("patients", "seed"), [(2, 0), (1000, 0), (5, -1)])
def test_numbers_out_of_range(tmp_path: Path, patients: int, seed: int) -> None:
    with pytest.raises(InputError, match="expected"):
        make_virtual_cohort(tmp_path / "out", patients=patients, seed=seed)
    assert not (tmp_path / "out").exists()


def test_without_nilearn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"install overread\[train\]"):
        make_virtual_cohort(tmp_path / "out", patients=3)
    assert list(tmp_path.iterdir()) == []


def test_nifti_lies_like_its_header_says(virtual: Cohort) -> None:
    image = nib.Nifti1Image.from_filename(virtual.cases[0].images["T1"])
    assert nib.aff2axcodes(image.affine) == ("L", "P", "S")
    np.testing.assert_allclose(image.header.get_qform(), image.header.get_sform(), atol=1e-3)
