"""Damaged files of every format that is read by its bytes: an image or an InputError that names the file, never more
memory than the file can fill."""

from __future__ import annotations

import bz2
import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import pytest
import tifffile

from overread.errors import InputError
from overread.imaging.read import read

VOLUME = np.random.default_rng(0).integers(-300, 300, (4, 5, 6)).astype(np.int16)
MOST = 10_000_000
"""Bytes of an image that such a small file may give."""
MUTATIONS = 200
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
METAIMAGE = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nCompressedData = {}\nTransformMatrix = 1 0 0 0 1 0 0 0 1\n"
    "ElementSpacing = 0.5 0.6 2\nDimSize = 4 5 6\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
)


def metaimage(packed: bool) -> Callable[[Path], None]:
    data = VOLUME.tobytes(order="F")
    content = METAIMAGE.format(packed).encode() + (zlib.compress(data) if packed else data)
    return lambda path: path.write_bytes(content)  # type: ignore[return-value]


def nrrd_of(encoding: str) -> Callable[[Path], None]:
    header = {"space": "left-posterior-superior", "space directions": np.eye(3), "encoding": encoding}
    return lambda path: nrrd.write(str(path), VOLUME, header)


def nifti(path: Path) -> None:
    nibabel.Nifti1Image(VOLUME, np.diag([0.5, 0.6, 2, 1])).to_filename(path)


def npz(path: Path) -> None:
    np.savez_compressed(path, array=VOLUME, spacing=[0.5, 0.6, 2])


def tiff(compression: str | None) -> Callable[[Path], None]:
    return lambda path: tifffile.imwrite(path, VOLUME, photometric="minisblack", compression=compression)


MADE: dict[str, tuple[str, Callable[[Path], None]]] = {
    "MetaImage": ("a.mha", metaimage(False)),
    "MetaImage, packed": ("a.mha", metaimage(True)),
    "NRRD": ("a.nrrd", nrrd_of("raw")),
    "NRRD, gzip": ("a.nrrd", nrrd_of("gzip")),
    "NRRD, bzip2": ("a.nrrd", nrrd_of("bzip2")),
    "NIfTI": ("a.nii", nifti),
    "NIfTI, gzip": ("a.nii.gz", nifti),
    "NumPy archive": ("a.npz", npz),
    "TIFF": ("a.tif", tiff(None)),
    "TIFF, deflate": ("a.tif", tiff("zlib")),
}
every_format = pytest.mark.parametrize("kind", MADE)


def made(folder: Path, kind: str) -> tuple[Path, bytes]:
    """A sound file of the kind, and its bytes."""
    name, write = MADE[kind]
    write(folder / name)
    assert read(folder / name).spatial in (VOLUME.shape, VOLUME.shape[::-1])
    return folder / name, (folder / name).read_bytes()


@every_format
def test_cut_short_anywhere(tmp_path: Path, kind: str) -> None:
    path, content = made(tmp_path, kind)
    whole = read(path).array
    for end in range(0, len(content) - 1, 13):
        path.write_bytes(content[:end])
        try:
            array = read(path).array
        except InputError as error:
            assert path.name in str(error) and "\n" not in str(error)
            continue
        # Only what says nothing about the voxels may be missing: the zeros that pad a TIFF.
        assert "TIFF" in kind
        np.testing.assert_array_equal(array, whole)


@every_format
def test_changed_bytes(tmp_path: Path, kind: str) -> None:
    path, content = made(tmp_path, kind)
    rng = np.random.default_rng(7)
    for _ in range(MUTATIONS):
        data = np.frombuffer(content, np.uint8).copy()
        at = rng.integers(0, len(data), rng.integers(1, 5))
        data[at] = rng.integers(0, 256, len(at))
        path.write_bytes(data.tobytes())
        try:
            image = read(path)
        except InputError as error:
            assert path.name in str(error) and "\n" not in str(error)
            continue
        assert image.array.nbytes < MOST and np.isfinite(image.array).all()


@every_format
def test_junk_under_its_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / MADE[kind][0]
    for junk in (b"", b"\0", bytes(600), b"\xff" * 600, b"hello " * 100):
        path.write_bytes(junk)
        with pytest.raises(InputError, match=path.name):
            read(path)


@pytest.mark.parametrize(
    ("kind", "pack"),
    [
        ("MetaImage, packed", zlib.compress),
        ("NRRD, gzip", gzip.compress),
        ("NRRD, bzip2", bz2.compress),
        ("NIfTI, gzip", gzip.compress),
    ],
)
def test_far_more_than_the_header_tells(tmp_path: Path, kind: str, pack: Callable[[bytes], bytes]) -> None:
    path, content = made(tmp_path, kind)
    if kind == "NIfTI, gzip":
        bomb = pack(gzip.decompress(content) + bytes(100_000_000))
    else:
        end = content.index(b"LOCAL\n") + 6 if "Meta" in kind else content.index(b"\n\n") + 2
        bomb = content[:end] + pack(VOLUME.tobytes(order="F") + bytes(10_000_000))
    path.write_bytes(bomb)
    with pytest.raises(InputError, match=r"something else|unpacks to far more"):
        read(path)
