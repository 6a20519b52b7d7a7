"""Real DICOM images: values and places against plain arithmetic on the files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest

from overread.errors import InputError
from overread.imaging.dicom import read_series
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
