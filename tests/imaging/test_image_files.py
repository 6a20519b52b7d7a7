"""All files whose content an image is made of, also those that a header only names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from overread.errors import InputError
from overread.imaging.image_files import image_files
from overread.imaging.read import read


def test_headers_count_with_their_voxels(tmp_path: Path) -> None:
    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    voxels.tofile(tmp_path / "v.raw")
    nhdr = tmp_path / "a.nhdr"
    nhdr.write_text(
        "NRRD0004\ntype: short\ndimension: 3\nsizes: 4 3 2\nencoding: raw\nendian: little\ndata file: v.raw\n\n"
    )
    mhd = tmp_path / "b.mhd"
    mhd.write_text("NDims = 3\nDimSize = 4 3 2\nElementType = MET_SHORT\nElementDataFile = v.raw\n")
    for header in (nhdr, mhd):
        assert read(header).array.shape == (1, 4, 3, 2)
        assert image_files(header) == [header, tmp_path / "v.raw"]


def test_a_folder_counts_with_every_file(tmp_path: Path) -> None:
    (tmp_path / "series" / "more").mkdir(parents=True)
    for name in ("series/b.dcm", "series/a.dcm", "series/more/c.dcm"):
        (tmp_path / name).write_text("")
    found = image_files(tmp_path / "series")
    assert [p.name for p in found] == ["a.dcm", "b.dcm", "c.dcm"]
    assert image_files(found[0]) == [found[0]]


def test_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="empty folder"):
        image_files(tmp_path)
    with pytest.raises(InputError, match=r"gone\.png: no such file"):
        image_files(tmp_path / "gone.png")
