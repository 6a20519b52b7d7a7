"""No file makes a reader take more memory than is allowed, and none is refused for being packed well."""

from __future__ import annotations

import bz2
import gzip
import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from overread.errors import InputError
from overread.imaging.formats.limits import SETTING, check_largest, largest_image
from overread.imaging.read import read, read_labels

SHAPE = (64, 64, 100)


def nifti(path: Path, array: np.ndarray) -> None:
    import nibabel

    nibabel.Nifti1Image(array, np.eye(4)).to_filename(path)


def nrrd(path: Path, array: np.ndarray, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    sizes = " ".join(map(str, array.shape))
    head = f"NRRD0004\ntype: uint8\ndimension: 3\nsizes: {sizes}\nencoding: {encoding}\nendian: little\n\n"
    path.write_bytes(head.encode() + pack(array.tobytes(order="F")))


def metaimage(path: Path, array: np.ndarray) -> None:
    sizes = " ".join(map(str, array.shape))
    head = f"ObjectType = Image\nNDims = 3\nDimSize = {sizes}\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
    path.write_bytes(head.encode() + array.tobytes(order="F"))


WRITERS: dict[str, Callable[[Path, np.ndarray], None]] = {
    "a.nii": nifti,
    "a.nii.gz": nifti,
    "raw.nrrd": lambda p, a: nrrd(p, a, "raw", bytes),
    "gzip.nrrd": lambda p, a: nrrd(p, a, "gzip", gzip.compress),
    "bzip2.nrrd": lambda p, a: nrrd(p, a, "bzip2", bz2.compress),
    "a.mha": metaimage,
    "a.npz": lambda p, a: np.savez(p, array=a),
    "b.npz": lambda p, a: np.savez_compressed(p, array=a),
}


@pytest.mark.parametrize("name", WRITERS)
def test_one_bound_for_every_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = tmp_path / name
    WRITERS[name](path, np.ones(SHAPE, np.uint8))
    size = int(np.prod(SHAPE))
    monkeypatch.setenv(SETTING, str((size + (1 << 17)) / (1 << 30)))
    assert read(path).spatial == SHAPE
    monkeypatch.setenv(SETTING, str((size - 1) / (1 << 30)))
    with pytest.raises(InputError, match=r"GiB|bytes are accepted") as caught:
        read(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert "GiB" not in str(caught.value) or SETTING in str(caught.value)


@pytest.mark.parametrize("name", [n for n in WRITERS if n != "a.nii"])
def test_a_mask_of_zeros_is_read_however_well_it_is_packed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    WRITERS[name](path, np.zeros((256, 256, 256), np.uint8))
    if name == "bzip2.nrrd":
        assert path.stat().st_size < 256**3 // 50_000
    image = read_labels(path)
    assert image.spatial == (256, 256, 256) and not image.array.any()


@pytest.mark.parametrize("given", ["x", "0", "-1", "nan", "inf", "1e99"])
def test_a_setting_that_is_no_size(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(SETTING, given)
    with pytest.raises(InputError, match=SETTING):
        largest_image()


def test_the_usual_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SETTING, raising=False)
    assert largest_image() == 8 << 30
    check_largest("x", 8 << 30, "its voxels")
    with pytest.raises(InputError, match="8 GiB"):
        check_largest("x", (8 << 30) + 1, "its voxels")


def test_several_streams_of_bzip2(tmp_path: Path) -> None:
    array = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    two = lambda b: bz2.compress(b[:20]) + bz2.compress(b[20:]) + b"\0\0"  # noqa: E731
    nrrd(tmp_path / "a.nrrd", array, "bzip2", two)
    np.testing.assert_array_equal(read(tmp_path / "a.nrrd").array[0], array)
    for wrong, message in (
        (lambda b: two(b)[:-20], "truncated"),
        (lambda b: two(b + b"x"), "something else"),
    ):
        nrrd(tmp_path / "b.nrrd", array, "bzip2", wrong)
        with pytest.raises(InputError, match=message):
            read(tmp_path / "b.nrrd")


def test_a_claim_takes_no_memory(tmp_path: Path) -> None:
    """A header of 2 GiB over a bzip2 stream of a few bytes: memory grows with what is there."""
    sizes = "2048 1024 1024"
    head = f"NRRD0004\ntype: uint8\ndimension: 3\nsizes: {sizes}\nencoding: bzip2\nendian: little\n\n"
    (tmp_path / "a.nrrd").write_bytes(head.encode() + bz2.compress(bytes(1000)))
    tracemalloc.start()
    with pytest.raises(InputError, match="truncated"):
        read(tmp_path / "a.nrrd")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 << 20


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_npz_members_are_stored_or_deflated(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", method) as archive:
        buffer = io.BytesIO()
        np.save(buffer, np.zeros((4, 4, 4), np.uint8))
        archive.writestr("array.npy", buffer.getvalue())
    with pytest.raises(InputError, match="expected stored or deflated"):
        read(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_no_other_program_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """EPS would have Pillow run Ghostscript: it is refused by its content, whatever the name."""
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
    # An EPS with a binary header may begin with nearly anything; the plain one must do here.
    (tmp_path / name).write_bytes(eps)
    from PIL import EpsImagePlugin

    def never(*_: object, **__: object) -> None:
        raise AssertionError("Ghostscript was asked for")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", never)
    from overread.imaging.formats.raster import picture_array, read_label_picture

    for reader in (read, picture_array, read_label_picture):
        with pytest.raises(InputError):
            reader(tmp_path / name)


def test_pictures_that_are_meant_are_read(tmp_path: Path) -> None:
    from overread.imaging.formats.raster import picture_array

    for kind in ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM"):
        Pillow.new("L", (12, 8), 7).save(tmp_path / "x", kind)
        array, _ = picture_array(tmp_path / "x")
        assert array.shape[1:] == (8, 12)


VIDEOS = {
    "a.mp4": b"\0\0\0\x18ftypisom",
    "film": struct.pack(">I", 24) + b"ftypqt  ",
    "a.avi": b"RIFF\0\0\0\0AVI LIST",
    "b": b"RIFF\0\0\0\0AVI LIST",
    "a.mkv": b"\x1aE\xdf\xa3",
    "c": b"\x1aE\xdf\xa3",
    "a.mpg": b"\0\0\1\xba",
    "d": b"\0\0\1\xb3",
}


@pytest.mark.parametrize("name", VIDEOS)
def test_videos_are_named_as_such(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(VIDEOS[name] + bytes(200))
    with pytest.raises(InputError, match=r"is a video.*frames as PNG"):
        read(tmp_path / name)
