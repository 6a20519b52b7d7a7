"""Unpacking within bounds, and what the readers of plain voxels share."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
import pytest

from overread.errors import InputError
from overread.imaging.formats.voxels import beside, check_size, inflate, placed, plain
from overread.imaging.read import read

CONTENT = np.random.default_rng(0).integers(0, 9, 5000).astype(np.uint8).tobytes()
FILE = Path("a.nrrd")


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(CONTENT),
        zlib.compress(CONTENT),
        gzip.compress(CONTENT[:1]) + gzip.compress(CONTENT[1:]),
        b"".join(gzip.compress(CONTENT[k : k + 700]) for k in range(0, 5000, 700)),
        gzip.compress(CONTENT) + gzip.compress(b""),
        gzip.compress(b"") + gzip.compress(CONTENT),
        gzip.compress(CONTENT[:9]) + bytes(20) + gzip.compress(CONTENT[9:]),
        gzip.compress(CONTENT) + bytes(512),
    ],
    ids=[
        "gzip",
        "zlib",
        "two members",
        "eight members",
        "empty last",
        "empty first",
        "zeros between",
        "zeros after",
    ],
)
def test_inflate(packed: bytes) -> None:
    assert inflate(FILE, packed, len(CONTENT)) == CONTENT


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (gzip.compress(CONTENT[:-1]), "truncated"),
        (gzip.compress(CONTENT)[:-9], "truncated|something else"),
        (gzip.compress(CONTENT[:100]) + gzip.compress(CONTENT[100:])[:-20], "truncated|something else"),
        (gzip.compress(CONTENT + b"x"), "something else"),
        (gzip.compress(CONTENT) + gzip.compress(b"x"), "something else"),
        (gzip.compress(CONTENT[:100]), "truncated"),
        (b"", "truncated"),
    ],
    # Packed bytes hold the time: as names they would differ from process to process.
    ids=["one short", "cut", "second cut", "one more", "second member more", "a part", "nothing"],
)
def test_inflate_of_another_size(packed: bytes, message: str) -> None:
    with pytest.raises(InputError, match=rf"a\.nrrd: .*({message})"):
        inflate(FILE, packed, len(CONTENT))


def test_nrrd_of_two_gzip_members(tmp_path: Path) -> None:
    head = (
        b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 10 20 25\nencoding: gzip\nkinds: space space space\n\n"
    )
    path = tmp_path / "a.nrrd"
    path.write_bytes(head + gzip.compress(CONTENT[:1234]) + gzip.compress(CONTENT[1234:]))
    assert read(path).array.tobytes(order="F") == CONTENT


def test_check_size() -> None:
    assert check_size(FILE, (2, 3), np.dtype("i2"), 12) == 12
    for shape in ((), (2, 0), (2, -1)):
        with pytest.raises(InputError, match="has shape"):
            check_size(FILE, shape, np.dtype("u1"), 100)
    with pytest.raises(InputError, match="cannot hold"):
        check_size(FILE, (10**6, 10**6, 10**6), np.dtype("f8"), 1000, 1100)


def test_beside(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name in ("in/a.raw", "in/deep/b.raw", "out.raw"):
        (tmp_path / name).write_bytes(b"x")
    header = tmp_path / "in" / "a.mhd"
    assert beside(header, "a.raw").name == "a.raw" and beside(header, "deep/b.raw").name == "b.raw"
    for name in ("../out.raw", str(tmp_path / "out.raw"), "none.raw"):
        with pytest.raises(InputError, match="beside"):
            beside(header, name)


def test_plain() -> None:
    big = np.array([1, 2], ">i2")
    assert plain(big)[0].dtype == np.int16 and plain(big)[0].dtype.isnative
    assert plain(np.array([True]))[0].dtype == np.uint8
    values, notes = plain(np.array([1.5, np.nan, np.inf, 1e300]))
    np.testing.assert_array_equal(values, np.float32([1.5, 0, 0, 0]))
    assert notes == ("3 voxels were not finite numbers and became 0",)


def test_placed() -> None:
    flat = placed(FILE, np.arange(6).reshape(1, 2, 3), np.diag([2.0, 3, 1, 1]))
    assert flat.spatial == (3, 2) and flat.spacing == (3, 2)
    with pytest.raises(InputError, match="singular"):
        placed(FILE, np.zeros((1, 2, 2, 2)), np.zeros((4, 4)))
