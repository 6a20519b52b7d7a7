"""Finding and opening DICOM files; whatever is wrong with one becomes an InputError that names it."""

from __future__ import annotations

import errno
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydicom import Dataset, FileDataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from overread.errors import InputError, OverreadError
from overread.imaging.dicom.instance import Instance
from overread.imaging.dicom.scan import scan
from overread.imaging.dicom.values import text
from overread.zips import read_member

SUFFIXES = {".dcm", ".dicom", ".ima"}
MAGIC_OFFSET, MAGIC = 128, b"DICM"
ZIP_LIMIT = 4 << 30
"""Largest sum of unpacked sizes, in bytes, that is taken from a zip."""
DEFLATED = b"1.2.840.10008.1.2.1.99"
INFLATE_LIMIT = 1 << 30
"""Largest deflated data set, in bytes after unpacking."""


SYSTEM = (errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ENOSPC)
"""Of the disk, the network or the machine, not of the file: what tries again later may succeed."""


@contextmanager
def reading(name: str, what: str = "DICOM") -> Iterator[None]:
    """Turn any exception that a damaged file provokes in a parser or decoder into an InputError.

    Parsers meet damaged input at any depth and raise whatever they happen to (ValueError, struct.error,
    AttributeError, RecursionError ...); a caller has one question only: can this file be used. Errors of overread's
    own pass, and those of the disk or the system (`SYSTEM`): the file may be as good as ever.
    """
    try:
        yield
    except OverreadError as error:
        # A damaged value that a message quotes may hold line breaks.
        if not isinstance(error, InputError) or str(error).isprintable():
            raise
        error.args = (_one_line(str(error)),)
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in SYSTEM:
            raise
        cause = _one_line(str(error))[:300] or "no further detail"
        raise InputError(
            f"{name}: cannot be read as {what} ({type(error).__name__}: {cause}); "
            "the file may be damaged or incomplete, send or copy it again"
        ) from error


def _one_line(message: str) -> str:
    """A message without the line breaks and control characters of a damaged value that it quotes."""
    return " ".join("".join(c if c.isprintable() else " " for c in message).split())


def open_dataset(source: Path | io.BytesIO, name: str, **options: Any) -> FileDataset:
    """Parse one file, with or without the File Meta Information of PS3.10 (then it must name a SOP Class).

    What follows the data set and is no element is passed over. Where the File Meta Information names another SOP
    Instance or Class than the data set, it takes the data set's.

    Raises
    ------
    InputError
        Missing, not DICOM, or damaged.
    """
    if isinstance(source, Path) and not source.is_file():
        raise InputError(f"{name}: no such file; check the path")
    with reading(name):
        _check_deflated(source, name)
        try:
            return _one_identity(dcmread(source, **options))
        except InvalidDicomError:
            if isinstance(source, io.BytesIO):
                source.seek(0)
            dataset = dcmread(source, force=True, **options)
            if not any(tag in dataset for tag in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID")):
                raise InputError(
                    f"{name}: not a DICOM file (no DICM mark at byte {MAGIC_OFFSET} and no SOP Class UID); "
                    "check the path, or send it again"
                ) from None
            return dataset


def _one_identity(dataset: FileDataset) -> FileDataset:
    """The data set, its File Meta Information naming the SOP Instance and Class that the data set itself does.

    Tools that change the data set alone leave the old ones there; what counts is the data set (PS3.4 B.1.1).
    """
    for meta, keyword in (
        ("MediaStorageSOPInstanceUID", "SOPInstanceUID"),
        ("MediaStorageSOPClassUID", "SOPClassUID"),
    ):
        own = text(dataset, keyword)
        if own and dataset.file_meta.get(meta) not in (None, own):
            setattr(dataset.file_meta, meta, UID(own))
    return dataset


def _check_deflated(source: Path | io.BytesIO, name: str) -> None:
    """Raise InputError where a deflated data set (PS3.5 A.5) unpacks to more than INFLATE_LIMIT.

    pydicom inflates such a file in one piece, and a small file can unpack to a thousand times its size.
    """
    with source.open("rb") if isinstance(source, Path) else io.BytesIO(source.getvalue()) as f:
        head = f.read(2048)
        if head[MAGIC_OFFSET : MAGIC_OFFSET + 4] != MAGIC or DEFLATED not in head:
            return
        # The File Meta Information begins with its own length (PS3.10 section 7.1).
        f.seek(144 + int.from_bytes(head[140:144], "little"))
        unpacker, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
        while not unpacker.eof and (block := unpacker.unconsumed_tail or f.read(1 << 16)):
            size += len(unpacker.decompress(block, 1 << 20))
            if size > INFLATE_LIMIT:
                raise InputError(
                    f"{name}: deflated data unpacks to more than {INFLATE_LIMIT} bytes; not read"
                )


def has_magic(path: Path) -> bool:
    """Whether ``path`` carries the DICM mark of PS3.10 section 7.1."""
    with path.open("rb") as f:
        f.seek(MAGIC_OFFSET)
        return f.read(len(MAGIC)) == MAGIC


def find_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """DICOM files below ``folder`` in name order, and the files passed over because they are not DICOM.

    A file counts as DICOM by its DICM mark or by its suffix, so a damaged ``.dcm`` file is reported later
    instead of being passed over. DICOMDIR and hidden files are ignored.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; check the path")
    found: list[Path] = []
    other: list[Path] = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name.startswith(".") or path.name == "DICOMDIR":
            continue
        with reading(str(path)):
            (found if path.suffix.lower() in SUFFIXES or has_magic(path) else other).append(path)
    if not found:
        raise InputError(f"{folder}: no DICOM file in this folder ({len(other)} other files); check the path")
    return found, other


def load(files: Sequence[Path]) -> list[Instance]:
    """Open every file; the pixels of plain slices after the first are left where they are."""
    instances: list[Instance] = []
    for path in files:
        name = str(path)
        found = None
        if instances:
            with reading(name):
                found = scan(path) if path.is_file() else None
        instances.append(Instance(name, *found) if found else Instance(name, open_dataset(path, name)))
    return instances


def load_zip(path: Path) -> list[Instance]:
    """Open every DICOM file inside a zip, in name order, in memory (nothing is unpacked to disk)."""
    with reading(str(path), "a zip of DICOM files"), zipfile.ZipFile(path) as archive:
        instances = []
        for member in zip_members(archive, path):
            last = Path(member.filename).name
            data = read_member(archive, member, ZIP_LIMIT, str(path))
            if Path(last).suffix.lower() in SUFFIXES or data[MAGIC_OFFSET : MAGIC_OFFSET + 4] == MAGIC:
                name = f"{path}:{member.filename}"
                instances.append(Instance(name, open_dataset(io.BytesIO(data), name)))
    if not instances:
        raise InputError(f"{path}: no DICOM file in this zip")
    return instances


def zip_members(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """The files in a zip that may be DICOM, in name order; not hidden ones, nor DICOMDIR.

    Raises InputError where all files of the zip unpack to more than ZIP_LIMIT.
    """
    members = [m for m in archive.infolist() if not m.is_dir()]
    size = sum(m.file_size for m in members)
    if size > ZIP_LIMIT:
        raise InputError(f"{path}: unpacks to {size} bytes, more than {ZIP_LIMIT}; unpack it to a folder")
    wanted = [m for m in members if not _is_hidden(m.filename)]
    return sorted(wanted, key=lambda m: m.filename)


def _is_hidden(name: str) -> bool:
    last = Path(name).name
    return last.startswith(".") or last == "DICOMDIR" or "__MACOSX" in name


def transfer_syntax(dataset: Dataset, name: str) -> UID:
    """Transfer Syntax UID, from the File Meta Information or from how the data set was encoded."""
    meta = getattr(dataset, "file_meta", None)
    uid = None if meta is None else meta.get("TransferSyntaxUID")
    if uid:
        return UID(uid)
    implicit, little = dataset.original_encoding
    if implicit is None:
        raise InputError(f"{name}: TransferSyntaxUID is missing; the pixel data cannot be decoded without it")
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian
