"""The files of an input: one file, folders or zips, one after the other and never all in memory."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pydicom.dataset import FileDataset

from overread.errors import InputError
from overread.imaging.dicom.files import (
    MAGIC,
    MAGIC_OFFSET,
    SUFFIXES,
    ZIP_LIMIT,
    find_files,
    has_magic,
    open_dataset,
    reading,
    zip_members,
)
from overread.zips import check_member, read_member

DICOMDIR = "1.2.840.10008.1.3.10"


@dataclass(frozen=True)
class Source:
    """One input file: the name that people know it by, and how it is opened."""

    name: str
    open: Callable[[], FileDataset]


@dataclass(frozen=True)
class Found:
    """The DICOM files of an input, and how many others there are. Directories (DICOMDIR) are among the others."""

    sources: tuple[Source, ...]
    others: int


def find_sources(paths: Sequence[Path]) -> Found:
    """The DICOM files among ``paths``: files, folders and zips of DICOM files.

    Raises
    ------
    InputError
        A path that does not exist, a damaged zip, or no DICOM file at all.
    """
    sources: list[Source] = []
    others = 0
    for path in map(Path, paths):
        if path.is_dir():
            files, other = find_files(path)
            hidden = sum(1 for p in path.rglob("*") if p.is_file()) - len(files) - len(other)
            sources += [_file(p) for p in files]
            others += len(other) + hidden
        elif not path.exists():
            raise InputError(f"{path}: no such file or folder; check the path")
        elif zipfile.is_zipfile(path) and not has_magic(path):
            members, other_members = _members(path)
            sources += [_member(path, name) for name in members]
            others += other_members
        else:
            sources.append(_file(path))
    if not sources:
        raise InputError(
            f"{', '.join(map(str, paths))}: holds no DICOM file ({others} other files); check the path"
        )
    return Found(tuple(sources), others)


def _file(path: Path) -> Source:
    return Source(str(path), lambda: open_dataset(path, str(path)))


def _member(path: Path, member: str) -> Source:
    def open_it() -> FileDataset:
        name = f"{path}:{member}"
        with reading(name), zipfile.ZipFile(path) as archive:
            data = read_member(archive, archive.getinfo(member), ZIP_LIMIT, str(path))
        return open_dataset(BytesIO(data), name)

    return Source(f"{path}:{member}", open_it)


def _members(path: Path) -> tuple[list[str], int]:
    """Names of the DICOM files in a zip, in order, and the number of others."""
    names: list[str] = []
    with reading(str(path), "a zip of DICOM files"), zipfile.ZipFile(path) as archive:
        wanted = zip_members(archive, path)
        others = sum(not m.is_dir() for m in archive.infolist()) - len(wanted)
        for member in wanted:
            check_member(member, ZIP_LIMIT, str(path))
            with archive.open(member) as f:
                head = f.read(MAGIC_OFFSET + len(MAGIC))
            if Path(member.filename).suffix.lower() in SUFFIXES or head[MAGIC_OFFSET:] == MAGIC:
                names.append(member.filename)
            else:
                others += 1
    return names, others
