"""One way to read a zip: stored or deflated, never more than is accepted."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile

import pytest

from overread.errors import InputError
from overread.zips import check_zip, read_member


def packed(content: bytes, method: int) -> zipfile.ZipFile:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("a", content)
    return zipfile.ZipFile(buffer)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_up_to_the_limit(method: int) -> None:
    archive = packed(b"x" * 1000, method)
    check_zip(archive, 1000, "z")
    assert read_member(archive, archive.getinfo("a"), 1000, "z") == b"x" * 1000
    with pytest.raises(InputError, match="z: a claims 1000 bytes, at most 999"):
        read_member(archive, archive.getinfo("a"), 999, "z")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_are_never_begun(method: int) -> None:
    archive = packed(bytes(1000), method)
    tracemalloc.start()
    for read in (
        lambda: read_member(archive, archive.getinfo("a"), 2000, "z"),
        lambda: check_zip(archive, 2000, "z"),
    ):
        with pytest.raises(InputError, match="expected stored or deflated"):
            read()
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_a_member_that_lies_about_its_size() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(50_000_000))
    raw = buffer.getvalue().replace(struct.pack("<I", 50_000_000), struct.pack("<I", 100))
    archive = zipfile.ZipFile(io.BytesIO(raw))
    tracemalloc.start()
    with pytest.raises(InputError, match=r"damaged|more than"):
        read_member(archive, archive.getinfo("a"), 1000, "z")
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_damage_and_passwords() -> None:
    archive = packed(b"x" * 100, zipfile.ZIP_STORED)
    info = archive.getinfo("a")
    info.CRC ^= 1
    with pytest.raises(InputError, match="damaged"):
        read_member(archive, info, 100, "z")
    info.flag_bits |= 1
    with pytest.raises(InputError, match="encrypted"):
        read_member(archive, info, 100, "z")
