"""The one door: each format is found by what the file is."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from overread.errors import InputError
from overread.imaging.formats.nifti import write_nifti
from overread.imaging.formats.raster import write_png
from overread.imaging.read import read, read_labels


def test_each_format(tmp_path: Path, make_slice, save_series) -> None:
    folder = save_series([make_slice(k) for k in range(3)])
    write_nifti(tmp_path / "a.nii.gz", np.zeros((2, 3, 4), np.uint8), np.eye(4))
    write_png(tmp_path / "a.png", np.zeros((4, 5), np.uint8))
    bare = tmp_path / "IM0001"
    bare.write_bytes((folder / "000.dcm").read_bytes())
    (tmp_path / "png_without_suffix").write_bytes((tmp_path / "a.png").read_bytes())
    assert read(folder).spatial == (5, 6, 3)
    assert read(str(folder)).modality == "MR"
    assert read(bare).spatial == (6, 5)
    assert read(tmp_path / "a.nii.gz").spatial == (2, 3, 4)
    assert read(tmp_path / "a.png").spatial == (4, 5)
    assert read(tmp_path / "png_without_suffix").spatial == (4, 5)


def test_dicom_with_a_tiff_preamble(tmp_path: Path, make_slice, save_series) -> None:
    content = bytearray((save_series([make_slice()]) / "000.dcm").read_bytes())
    content[:4] = b"II*\0"
    (tmp_path / "dual").write_bytes(content)
    assert read(tmp_path / "dual").spatial == (6, 5)


def test_refusals(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "text.txt").write_text("hello, this is no image " * 20)
    (tmp_path / "folder").mkdir()
    for name, message in {
        "absent": "no such file or folder",
        "empty": "is empty",
        "text.txt": "not a DICOM file",
        "folder": "no DICOM file",
    }.items():
        with pytest.raises(InputError, match=f"{name}: .*{message}"):
            read(tmp_path / name)


@pytest.mark.parametrize("most", [2, 4, 7])
def test_labels_that_were_scaled(tmp_path: Path, most: int) -> None:
    """float64 under an int16 header: nibabel writes a scale, and 1 comes back as 1.00002."""
    labels = np.broadcast_to(np.arange(most + 1.0), (5, 6, most + 1))
    image = nibabel.Nifti1Image(labels, np.eye(4))
    image.set_data_dtype(np.int16)
    image.to_filename(tmp_path / "a.nii")
    found = read_labels(tmp_path / "a.nii")
    np.testing.assert_array_equal(found.array[0], labels)
    assert found.array.dtype == np.int32
    assert any("off a whole number" in note for note in found.notes) == bool(
        (read(tmp_path / "a.nii").array % 1).any()
    )


def float_labels(path: Path, *values: float) -> Path:
    nibabel.Nifti1Image(np.array(values, np.float32).reshape(-1, 1, 1), np.eye(4)).to_filename(path)
    return path


def test_labels_near_whole_numbers(tmp_path: Path) -> None:
    found = read_labels(float_labels(tmp_path / "a.nii", 0, 0.9999999, 1, 2, 3.0009))
    assert found.array.ravel().tolist() == [0, 1, 1, 2, 3]
    assert "2 label values were off a whole number by up to 0.0009" in found.notes[-1]
    assert read_labels(float_labels(tmp_path / "b.nii", 0, 1, 2)).notes == ()


@pytest.mark.parametrize(("value", "shown"), [(0.5, "0.5"), (1.002, r"1\.00199997"), (3e9, "3e\\+09")])
def test_values_that_are_no_labels(tmp_path: Path, value: float, shown: str) -> None:
    with pytest.raises(InputError, match=rf"a\.nii: holds {shown}"):
        read_labels(float_labels(tmp_path / "a.nii", 0, 1, value))


def test_labels_that_are_no_numbers_are_told(tmp_path: Path) -> None:
    found = read_labels(float_labels(tmp_path / "a.nii", 0, np.nan, 1, np.inf))
    assert found.array.ravel().tolist() == [0, 0, 1, 0]
    assert any("2 voxels were not finite" in note for note in found.notes)


def test_labels_of_a_picture(tmp_path: Path) -> None:
    array = np.arange(20, dtype=np.uint8).reshape(4, 5)
    write_png(tmp_path / "a.png", array)
    found = read_labels(tmp_path / "a.png")
    np.testing.assert_array_equal(found.array[0], array)
    assert found.source["spacing_known"] is False
    write_nifti(tmp_path / "a.nii", array, np.eye(4))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.nii").array, found.array)
    np.savez(tmp_path / "a.npz", array=np.zeros((2, 3, 4, 5)))
    with pytest.raises(InputError, match="2 channels"):
        read_labels(tmp_path / "a.npz")
