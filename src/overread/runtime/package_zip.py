"""The files of a package out of a zip or a folder, none larger than is accepted."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from overread.errors import InputError
from overread.zips import read_member


def read_zip(path: Path, limits: Mapping[str, int]) -> dict[str, bytes]:
    """The members of the zip ``path`` that ``limits`` names, with the largest size of each in bytes.

    Raises InputError for what is no zip, a member that is missing, there twice, too large, encrypted or compressed in
    another way than stored or deflated.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            return {name: _member(archive, names, name, limit, path) for name, limit in limits.items()}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise InputError(
            f"{path}: not an overread package ({error}); expected a zip with {' and '.join(limits)}"
        ) from error


def _member(archive: zipfile.ZipFile, names: list[str], name: str, limit: int, path: Path) -> bytes:
    if names.count(name) != 1:
        found = "no" if name not in names else "more than one"
        raise InputError(f"{path}: not an overread package: it has {found} {name}")
    info = archive.getinfo(name)
    return read_member(archive, info, limit, f"{path}: not an overread package")


def read_folder(path: Path, limits: Mapping[str, int]) -> dict[str, bytes]:
    """The files of the folder ``path`` that ``limits`` names, with the largest size of each in bytes.

    Raises InputError for a file that cannot be read or is too large.
    """
    return {name: _file(path / name, limit, path) for name, limit in limits.items()}


def _file(path: Path, limit: int, package: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > limit:
            raise InputError(f"{package}: {path.name} has {size} bytes, at most {limit} are accepted")
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{package}: cannot read {path.name} ({error.strerror}); not a complete package"
        ) from error
