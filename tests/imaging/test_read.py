"""The one door: each format is found by what the file is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from overread.errors import InputError
from overread.imaging.formats.nifti import write_nifti
from overread.imaging.formats.raster import write_png
from overread.imaging.read import read


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
