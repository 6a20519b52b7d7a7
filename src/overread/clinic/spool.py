"""The spool: an instance is on disk, whole and under its final name, before anyone is told so.

An instance goes to a temporary file, is synced, renamed to ``<study>/<sop>.dcm``, and the folder is synced;
only then ``store`` returns. What the folders hold is the truth; any database about it can be made again.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import threading
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from overread.clinic.encoded import NotWholeError, elements
from overread.files import fsync_folder

STUDY_UID, SERIES_UID = 0x0020000D, 0x0020000E
SOP_CLASS_UID, SOP_INSTANCE_UID = 0x00080016, 0x00080018
UID_PATTERN = re.compile(r"[0-9.]{1,64}")
PREAMBLE_BYTES = 132
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Status(IntEnum):
    """C-STORE status codes that the spool answers with (PS3.4 table B.2-1)."""

    SUCCESS = 0x0000
    OUT_OF_RESOURCES = 0xA700
    DOES_NOT_MATCH = 0xA900
    CANNOT_UNDERSTAND = 0xC000
    OTHER_CONTENT = 0xC111


@dataclass(frozen=True)
class Stored:
    """What became of one instance. ``comment`` fits DICOM's ErrorComment (64 characters)."""

    status: Status
    comment: str = ""
    study: str = ""
    sop: str = ""
    new: bool = False


def safe_uid(value: str) -> str:
    """``value`` where it is a UID that may become a file name. Raises ValueError otherwise."""
    if not UID_PATTERN.fullmatch(value) or not value.strip("."):
        raise ValueError(f"{value[:80]!r} is not a UID (1 to 64 digits and dots)")
    return value


class Spool:
    """Instances of studies in a folder; safe to share between threads of one process."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.incoming = self.folder / ".incoming"
        self.incoming.mkdir(parents=True, exist_ok=True)
        self._naming = threading.Lock()
        for left in self.incoming.iterdir():
            left.unlink()
        fsync_folder(self.folder)

    def store(self, meta: bytes, data: bytes, sop_class: str, sop: str, transfer_syntax: str) -> Stored:
        """Keep one instance as it came.

        Parameters
        ----------
        meta
            Preamble, ``DICM`` and file meta information, encoded.
        data
            The data set as on the wire.
        sop_class, sop
            SOP Class and Instance UID of the C-STORE command.
        transfer_syntax
            UID of the negotiated transfer syntax.
        """
        try:
            study = self._identify(data, sop_class, sop, transfer_syntax)
        except NotWholeError as error:
            return Stored(Status.CANNOT_UNDERSTAND, f"not whole: {error}"[:64])
        except ValueError as error:
            return Stored(Status.DOES_NOT_MATCH, str(error)[:64])
        try:
            return self._keep(meta, data, study, sop)
        except OSError as error:
            reason = "disk full" if error.errno in FULL else f"cannot be written ({error.strerror})"
            return Stored(Status.OUT_OF_RESOURCES, reason[:64])

    def path(self, study: str, sop: str) -> Path:
        """Where an instance lies. Raises ValueError for anything but UIDs."""
        return self.folder / safe_uid(study) / f"{safe_uid(sop)}.dcm"

    def studies(self) -> list[str]:
        """Study Instance UIDs with at least one instance."""
        return sorted(
            p.name for p in self.folder.iterdir() if UID_PATTERN.fullmatch(p.name) and self.instances(p.name)
        )

    def instances(self, study: str) -> list[str]:
        """SOP Instance UIDs of a study, sorted."""
        folder = self.folder / safe_uid(study)
        return sorted(p.stem for p in folder.glob("*.dcm")) if folder.is_dir() else []

    def _identify(self, data: bytes, sop_class: str, sop: str, transfer_syntax: str) -> str:
        found = elements(data, transfer_syntax, (SOP_CLASS_UID, SOP_INSTANCE_UID, STUDY_UID, SERIES_UID))
        texts = {tag: value.decode("ascii", "replace").strip("\0 ") for tag, value in found.items()}
        safe_uid(sop)
        for tag, name, expected in (
            (SOP_INSTANCE_UID, "SOPInstanceUID", sop),
            (SOP_CLASS_UID, "SOPClassUID", sop_class),
        ):
            if texts.get(tag) != expected:
                raise ValueError(f"{name} of data set and command differ")
        for tag, name in ((SERIES_UID, "SeriesInstanceUID"), (STUDY_UID, "StudyInstanceUID")):
            if tag not in texts:
                raise ValueError(f"{name} missing")
            try:
                safe_uid(texts[tag])
            except ValueError as error:
                raise ValueError(f"{name} is not a UID") from error
        return texts[STUDY_UID]

    def _keep(self, meta: bytes, data: bytes, study: str, sop: str) -> Stored:
        final = self.path(study, sop)
        if final.exists():
            return self._again(final, data, study, sop)
        temporary = self.incoming / f"{secrets.token_hex(16)}.part"
        try:
            write_synced(temporary, meta, data)
            # One thread names at a time: two associations may bring the same instance at once.
            with self._naming:
                if not final.parent.is_dir():
                    final.parent.mkdir()
                    fsync_folder(self.folder)
                taken = final.exists()
                if not taken:
                    temporary.replace(final)
            if taken:
                return self._again(final, data, study, sop)
            fsync_folder(final.parent)
        finally:
            temporary.unlink(missing_ok=True)
        return Stored(Status.SUCCESS, study=study, sop=sop, new=True)

    def _again(self, final: Path, data: bytes, study: str, sop: str) -> Stored:
        # Only the data set counts: file meta information names the receiving software, which may be updated.
        if not _same_data_set(final, data):
            return Stored(
                Status.OTHER_CONTENT, "this SOP instance is already here with other content", study, sop
            )
        # The first arrival may still be on its way to the disk in another thread.
        fsync_folder(final.parent)
        return Stored(Status.SUCCESS, study=study, sop=sop)


def _same_data_set(path: Path, data: bytes) -> bool:
    with path.open("rb") as f:
        f.seek(PREAMBLE_BYTES)
        # (0002,0000) UL, 4 bytes: how long the rest of the file meta information is (PS3.10 section 7.1).
        header = f.read(12)
        f.seek(int.from_bytes(header[8:12], "little"), os.SEEK_CUR)
        return f.read() == data


def write_synced(path: Path, *parts: bytes) -> None:
    """Write ``parts`` one after the other to a new file and wait until the disk has it."""
    with path.open("xb", buffering=0) as f:
        for part in parts:
            view = memoryview(part)
            while view:
                view = view[f.write(view) :]
        os.fdatasync(f.fileno())
