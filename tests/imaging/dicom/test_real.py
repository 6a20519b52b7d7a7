"""Real DICOM images: values and places against plain arithmetic on the files."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest

from overread.errors import InputError
from overread.imaging.dicom.series import read_series
from overread.imaging.image import Image
from overread.imaging.read import read


@pytest.fixture(scope="module")
def mr_zip(data_dir: Path) -> Path:
    return data_dir / "dicom_mr_t1_structural" / "studyforrest_t1_7T_64slices.zip"


@pytest.fixture(scope="module")
def mr_datasets(mr_zip: Path) -> list[pydicom.Dataset]:
    with zipfile.ZipFile(mr_zip) as archive:
        return [pydicom.dcmread(io.BytesIO(archive.read(name))) for name in sorted(archive.namelist())]


def test_t1_of_64_slices(mr_zip: Path, mr_datasets: list[pydicom.Dataset]) -> None:
    image = read(mr_zip)
    assert image.array.shape == (1, 274, 384, 64)
    assert image.modality == "MR"
    by_uid = {ds.SOPInstanceUID: ds for ds in mr_datasets}
    assert set(image.source["SOPInstanceUIDs"]) == set(by_uid)
    for k in (0, 17, 63):
        ds = by_uid[image.source["SOPInstanceUIDs"][k]]
        pixels = np.frombuffer(ds.PixelData, "<u2").reshape(ds.Rows, ds.Columns)
        np.testing.assert_array_equal(image.array[0, :, :, k], pixels.T)
        column, row = 200, 100
        x, y = np.array(ds.ImageOrientationPatient, float).reshape(2, 3)
        lps = np.array(ds.ImagePositionPatient, float)
        lps = lps + x * ds.PixelSpacing[1] * column + y * ds.PixelSpacing[0] * row
        here = (image.affine @ [column, row, k, 1])[:3]
        np.testing.assert_allclose(here, lps * [-1, -1, 1], atol=1e-3)


def test_t1_grid_equals_highdicom(mr_zip: Path, mr_datasets: list[pydicom.Dataset]) -> None:
    from highdicom import get_volume_from_series

    image, volume = read(mr_zip), get_volume_from_series(mr_datasets)
    # highdicom indexes (slice, row, column) in LPS, and may run the slices either way.
    where = np.linalg.inv(volume.affine) @ np.diag([-1.0, -1, 1, 1]) @ image.affine
    for index in ((0, 0, 0), (273, 0, 0), (0, 383, 0), (0, 0, 63), (100, 200, 30)):
        at = where @ [*index, 1]
        np.testing.assert_allclose(at, np.round(at), atol=0.01)
        assert volume.array[tuple(np.round(at[:3]).astype(int))] == image.array[(0, *index)]


def test_folder_and_list_and_zip_agree(mr_zip: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(mr_zip) as archive:
        archive.extractall(tmp_path / "series")
    files = sorted((tmp_path / "series").rglob("*.dcm"))
    # A sub-series that starts in the middle is whole; one with a hole is not.
    part = read_series(files[10:20])
    whole = read(tmp_path / "series")
    np.testing.assert_array_equal(whole.array, read(mr_zip).array)
    np.testing.assert_array_equal(part.array, whole.array[..., 10:20])
    with pytest.raises(InputError, match=f"2 missing slices: .*{files[12].name} and .*{files[15].name}"):
        read_series(files[10:13] + files[15:20])


@pytest.mark.parametrize(
    ("name", "rows", "columns", "top"), [("RG1", 1955, 1841, 32767), ("RG3", 1760, 1760, 1023)]
)
def test_radiographs(data_dir: Path, name: str, rows: int, columns: int, top: int) -> None:
    path = data_dir / "dicom_cr_radiographs" / f"{name}_J2KR.dcm"
    image = read(path)
    assert image.array.shape == (1, rows, columns)
    assert image.modality == "CR"
    np.testing.assert_array_equal(image.array[0], top - pydicom.dcmread(path).pixel_array)
    sitk = pytest.importorskip("SimpleITK")
    theirs = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[0]
    np.testing.assert_array_equal(image.array[0], theirs)
    assert any("MONOCHROME1 inverted" in note for note in image.notes)
    assert any("1 mm was assumed" in note for note in image.notes)


def test_result_objects_are_not_images(data_dir: Path) -> None:
    folder = data_dir / "dicom_seg_sr" / "highdicom_test_files"
    for name, message in {
        "sr_document.dcm": "no pixel data",
        "sm_image.dcm": "Whole Slide",
    }.items():
        with pytest.raises(InputError, match=message):
            read(folder / name)


def unpack(path: Path, folder: Path) -> list[Path]:
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    return sorted(folder.rglob("*.dcm"))


def by_simpleitk(files: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Values (column, row, slice) and RAS affine by SimpleITK."""
    sitk = pytest.importorskip("SimpleITK")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(f) for f in files])
    image = reader.Execute()
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image).transpose(2, 1, 0), np.diag([-1.0, -1, 1, 1]) @ affine


def by_dcm2niix(folder: Path, out: Path) -> tuple[np.ndarray, np.ndarray]:
    import nibabel

    if shutil.which("dcm2niix") is None:
        pytest.skip("dcm2niix is not installed")
    out.mkdir()
    subprocess.run(
        ["dcm2niix", "-z", "n", "-b", "n", "-f", "x", "-o", out, folder], check=True, capture_output=True
    )
    image = nibabel.load(out / "x.nii")
    return np.asarray(image.dataobj), image.affine


def assert_same_places(image: Image, values: np.ndarray, affine: np.ndarray) -> None:
    """Every corner of our grid and its value, found in theirs; to 1e-3 mm and exactly."""
    last = np.array(image.spatial) - 1
    where = np.linalg.inv(affine) @ image.affine
    for corner in np.ndindex(2, 2, 2):
        index = corner * last
        at = where @ [*index, 1]
        there = affine @ [*np.round(at[:3]), 1]
        np.testing.assert_allclose(there, image.affine @ [*index, 1], atol=1e-3)
    steps = np.round(where[:3, :3]).astype(int)
    np.testing.assert_array_equal(np.abs(steps), np.eye(3, dtype=int))
    np.testing.assert_array_equal(
        image.array[0], values[tuple(slice(None, None, int(s)) for s in np.diag(steps))]
    )


def test_t1_equals_simpleitk_and_dcm2niix(mr_zip: Path, tmp_path: Path) -> None:
    files = unpack(mr_zip, tmp_path / "series")
    image = read(mr_zip)
    assert_same_places(image, *by_simpleitk(files))
    assert_same_places(image, *by_dcm2niix(files[0].parent, tmp_path / "nifti"))


@pytest.fixture(scope="module")
def head(data_dir: Path) -> Path:
    return data_dir / "dicom_ct_head_series" / "ge_head_ct_28slices.zip"


def test_head_ct_with_gantry_tilt_and_uneven_slices(head: Path, tmp_path: Path) -> None:
    image = read(head)
    datasets = [pydicom.dcmread(f) for f in unpack(head, tmp_path / "series")]
    datasets.sort(key=lambda ds: float(ds.ImagePositionPatient[2]))
    # cos(tilt) is the cosine in ImageOrientationPatient: 0.9483237, so 18.5 degrees.
    assert "gantry tilt of 18.50 degrees" in image.notes[0]
    assert "from 1.0811 to 6.9986 mm" in image.notes[1]
    assert "from 28 slices onto 134" in image.notes[1]
    # Slices differ in z alone: the table moves upright through a tilted gantry.
    stored = np.stack([ds.pixel_array.T for ds in datasets], -1).astype(float)
    z = np.array([float(ds.ImagePositionPatient[2]) for ds in datasets])
    for k in (0, 1, 40, 60, 61, 100, 133):
        at = float((image.affine @ [0, 0, k, 1])[2])
        above = min(max(int(np.searchsorted(z, at - 1e-9)), 1), 27)
        weight = (at - z[above - 1]) / (z[above] - z[above - 1])
        expected = (1 - weight) * stored[..., above - 1] + weight * stored[..., above]
        np.testing.assert_allclose(image.array[0, :, :, k], expected, atol=2e-3)
        lps = image.affine @ [300, 100, k, 1] * [-1, -1, 1, 1]
        ds = datasets[0]
        axes = np.array(ds.ImageOrientationPatient, float).reshape(2, 3)
        own = np.array([*ds.ImagePositionPatient[:2], at], float)
        own = own + axes[0] * 300 * ds.PixelSpacing[1] + axes[1] * 100 * ds.PixelSpacing[0]
        np.testing.assert_allclose(lps[:3], own, atol=1e-3)
    np.testing.assert_allclose([p[2] for p in image.source["slice_positions"]], z)
    assert image.source["SOPInstanceUIDs"] == tuple(ds.SOPInstanceUID for ds in datasets)
    with pytest.raises(InputError, match="uneven slice spacing"):
        read_series(sorted((tmp_path / "series").rglob("*.dcm")), exact=True)


def test_even_part_of_the_head_ct_against_others(head: Path, tmp_path: Path) -> None:
    files = unpack(head, tmp_path / "series")
    files.sort(key=lambda f: float(pydicom.dcmread(f, stop_before_pixels=True).ImagePositionPatient[2]))
    part = read_series(files[:14], exact=True)
    values, affine = by_simpleitk(files[:14])
    np.testing.assert_array_equal(part.array[0], values)
    # SimpleITK lays tilted slices on one another along their normal. At the last slice that is 18 mm off the
    # position in the file, so ours differs; rows and columns agree.
    np.testing.assert_allclose(part.affine[:, :2], affine[:, :2], atol=1e-3)
    lps = part.affine @ [0, 0, 13, 1] * [-1, -1, 1, 1]
    position = pydicom.dcmread(files[13]).ImagePositionPatient
    np.testing.assert_allclose(lps[:3], np.array(position, float), atol=1e-3)
    assert np.linalg.norm((affine @ [0, 0, 13, 1])[:3] - (part.affine @ [0, 0, 13, 1])[:3]) > 15
    (tmp_path / "part").mkdir()
    for file in files[:14]:
        shutil.copy(file, tmp_path / "part")
    # dcm2niix keeps the voxels of the tilted slices, rows upside down.
    theirs, _ = by_dcm2niix(tmp_path / "part", tmp_path / "nifti")
    np.testing.assert_array_equal(part.array[0], theirs[:, ::-1])


def test_rt_dose_equals_simpleitk() -> None:
    path = Path(pydicom.__file__).parent / "data" / "test_files" / "rtdose.dcm"
    image, ds = read(path), pydicom.dcmread(path)
    assert image.array.dtype == np.float32
    assert image.source["DoseUnits"] == "RELATIVE"
    sitk = pytest.importorskip("SimpleITK")
    theirs = sitk.ReadImage(str(path))
    stored = sitk.GetArrayFromImage(theirs).transpose(2, 1, 0).astype(float)
    scale = float(ds.DoseGridScaling)
    ratio = 1.0 if stored.max() < 1e3 else scale
    np.testing.assert_allclose(image.array[0], stored * ratio, rtol=1e-4)
    for index in ((0, 0, 0), (9, 3, 14)):
        lps = image.affine @ [*index, 1] * [-1, -1, 1, 1]
        np.testing.assert_allclose(lps[:3], theirs.TransformIndexToPhysicalPoint(index), atol=1e-3)
