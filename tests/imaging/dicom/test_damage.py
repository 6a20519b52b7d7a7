"""Damaged DICOM: an image or an InputError, never another exception, never absurd memory."""

from __future__ import annotations

import logging
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from overread.errors import InputError
from overread.imaging.dicom.codestream import codestream_size
from overread.imaging.read import read

FOLDER = Path(pydicom.__file__).parent / "data" / "test_files"
FILES = [
    "MR_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "SC_rgb_dcmtk_+eb+cy+n1.dcm",
    "image_dfl.dcm",
]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(autouse=True)
def quiet() -> object:
    """pydicom logs each fault it meets; here there are thousands."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def outcome(path: Path) -> np.ndarray | None:
    try:
        array = read(path).array
    except InputError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
        return None
    assert array.ndim in (3, 4)
    return array


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_bytes(tmp_path: Path, name: str, data: st.DataObject) -> None:
    content = bytearray((FOLDER / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        # Half the hits go to the header, where lengths and counts are.
        end = data.draw(st.sampled_from([len(content) - 1, 1600]))
        content[data.draw(st.integers(132, min(end, len(content) - 1)))] = data.draw(st.integers(0, 255))
    path = tmp_path / "changed.dcm"
    path.write_bytes(content)
    outcome(path)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.binary(max_size=400), mark=st.booleans())
def test_junk(tmp_path: Path, junk: bytes, mark: bool) -> None:
    path = tmp_path / "junk.dcm"
    path.write_bytes(bytes(128) + b"DICM" + junk if mark else junk)
    assert outcome(path) is None


@pytest.mark.parametrize("name", FILES)
def test_cut_short_anywhere(tmp_path: Path, name: str) -> None:
    content = (FOLDER / name).read_bytes()
    whole = read(FOLDER / name).array
    path = tmp_path / "cut.dcm"
    for end in range(0, len(content), max(1, len(content) // 150)):
        path.write_bytes(content[:end])
        found = outcome(path)
        # Only the padding after the pixel data may be missing.
        assert found is None or np.array_equal(found, whole)
    path.write_bytes(content[: len(content) * 3 // 4])
    assert outcome(path) is None


def test_compressed_codestream_larger_than_claimed(tmp_path: Path) -> None:
    content = bytearray((FOLDER / "MR_small_jp2klossless.dcm").read_bytes())
    at = content.index(b"\xff\x4f\xff\x51") + 8
    content[at : at + 8] = struct.pack(">2I", 60000, 60000)
    path = tmp_path / "bomb.dcm"
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(InputError, match="compressed image is 60000 x 60000"):
        read(path)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_deflated_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from overread.imaging.dicom import files as dicom_files

    path = tmp_path / "deflated.dcm"
    content = (FOLDER / "image_dfl.dcm").read_bytes()
    start = 144 + int.from_bytes(content[140:144], "little")
    unpacked = zlib.decompress(content[start:], -zlib.MAX_WBITS)
    path.write_bytes(content)
    monkeypatch.setattr(dicom_files, "INFLATE_LIMIT", len(unpacked))
    assert read(path).spatial == (512, 512)
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = packer.compress(unpacked + bytes(50_000_000)) + packer.flush()
    path.write_bytes(content[:start] + bomb)
    tracemalloc.start()
    with pytest.raises(InputError, match=f"unpacks to more than {len(unpacked)} bytes"):
        read(path)
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()


def test_codestream_size_of_real_streams() -> None:
    from pydicom.encaps import get_frame

    expected = {
        "MR_small_jp2klossless.dcm": (64, 64, 1),
        "MR_small_jpeg_ls_lossless.dcm": (64, 64, 1),
        "SC_rgb_jpeg_dcmtk.dcm": (100, 100, 3),
        "examples_jpeg2k.dcm": (480, 640, 3),
    }
    for name, size in expected.items():
        ds = pydicom.dcmread(FOLDER / name)
        assert codestream_size(get_frame(ds.PixelData, 0, number_of_frames=1)) == size
    assert codestream_size(b"\xff\xd8\xff\xe0\x00\x04ab") is None
    assert codestream_size(b"") is None


def test_zip_that_is_none_and_zip_without_images(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"PK\x03\x04" + bytes(200))
    with pytest.raises(InputError, match=r"a\.zip: cannot be read as a zip"):
        read(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.txt", "text")
    with pytest.raises(InputError, match="no DICOM file in this zip"):
        read(path)
