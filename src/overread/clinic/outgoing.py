"""Files that are to be sent: which are DICOM, under which UIDs they go, and where their data set ends."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pydicom.dataset import FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID
from pynetdicom.dsutils import encode_file_meta, split_dataset

from overread.clinic.encoded import NotWholeError, walk
from overread.clinic.spool import SOP_CLASS_UID, SOP_INSTANCE_UID
from overread.clinic.storage import PREFIX
from overread.errors import InputError

DICOMDIR = "1.2.840.10008.1.3.10"


class Item(NamedTuple):
    """A file to be sent, the presentation context that it needs, and which of its bytes are the data set.

    SOP Class and Instance are the data set's own (PS3.4 B.1.1): tools that change a data set may leave others in the
    file meta information. ``meant`` is False where that is so.
    """

    path: Path
    sop_class: str
    syntax: str
    sop: str
    begin: int = 0
    end: int | None = None
    meant: bool = True


def dicom_files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files named, and every file in the folders named, sorted."""
    for path in map(Path, paths):
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
        elif path.is_file():
            yield path
        else:
            raise InputError(f"{path}: no such file or folder")


def item_of(path: Path) -> Item | None:
    """What is needed to propose a file, or None where it is no DICOM instance; a broken one is an error."""
    try:
        meta, begin = split_dataset(path)
        if meta.MediaStorageSOPClassUID == DICOMDIR:
            return None
        named = str(meta.MediaStorageSOPClassUID), str(meta.MediaStorageSOPInstanceUID)
        syntax = str(meta.TransferSyntaxUID)
        data = path.read_bytes()[begin:]
    except (InvalidDicomError, AttributeError, EOFError, ValueError):
        return None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); nothing was sent") from error
    try:
        found, end = walk(data, syntax, (SOP_CLASS_UID, SOP_INSTANCE_UID))
    except NotWholeError as error:
        raise InputError(
            f"{path}: truncated or broken DICOM: {error}; nothing was sent, get the whole file"
        ) from error
    texts = (
        found.get(tag, b"").decode("ascii", "replace").strip("\0 ")
        for tag in (SOP_CLASS_UID, SOP_INSTANCE_UID)
    )
    sop_class, sop = (own or other for own, other in zip(texts, named, strict=True))
    whole = end == len(data)
    return Item(
        path, sop_class, syntax, sop, begin, None if whole else begin + end, (sop_class, sop) == named
    )


@contextmanager
def as_meant(item: Item) -> Iterator[Path]:
    """The file, or a copy of it that names its data set's UIDs and ends where the data set does."""
    if item.meant and item.end is None:
        yield item.path
        return
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(item.sop_class), UID(item.sop)
    meta.TransferSyntaxUID = UID(item.syntax)
    with tempfile.NamedTemporaryFile(prefix="overread-", suffix=".dcm") as copy:
        copy.write(PREFIX + encode_file_meta(meta) + item.path.read_bytes()[item.begin : item.end])
        copy.flush()
        yield Path(copy.name)
