"""Zips read within bounds: members stored or deflated, none larger than is accepted."""

from __future__ import annotations

import zipfile
import zlib

from overread.errors import InputError

METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""Compressions that are read. Others are rare, and what their decoders take nothing bounds: 203 bytes of LZMA ask for a
dictionary of 128 MiB."""


def check_member(info: zipfile.ZipInfo, limit: int, where: str) -> None:
    """Raise InputError where a zip member is not stored or deflated, is encrypted, or claims more than is accepted.

    ``limit`` is in bytes.
    """
    name = ascii(info.filename)[1:-1]
    if info.compress_type not in METHODS:
        raise InputError(
            f"{where}: {name} is compressed by method {info.compress_type}, expected stored or deflated; pack it anew"
        )
    if info.flag_bits & 1:
        raise InputError(f"{where}: {name} is encrypted; unpack the zip with its password first")
    if info.file_size > limit:
        raise InputError(f"{where}: {name} claims {info.file_size} bytes, at most {limit} are accepted")


def read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int, where: str) -> bytes:
    """The content of one zip member, never more than ``limit`` bytes in memory.

    Raises
    ------
    InputError
        As `check_member`, or a damaged member; ``where`` begins the message.
    """
    check_member(info, limit, where)
    try:
        with archive.open(info) as member:
            content = member.read(limit + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise InputError(
            f"{where}: {ascii(info.filename)[1:-1]} cannot be unpacked ({error}); the zip is damaged, copy it again"
        ) from error
    if len(content) > limit:
        raise InputError(f"{where}: {ascii(info.filename)[1:-1]} unpacks to more than {limit} bytes")
    return content


def check_zip(archive: zipfile.ZipFile, limit: int, where: str) -> None:
    """Raise InputError where a member of the zip may not be read (`check_member`): before a library reads it."""
    for info in archive.infolist():
        check_member(info, limit, where)
