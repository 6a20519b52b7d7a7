"""The spool: an instance is on disk, whole, before anyone is told so.

An instance goes to a temporary file whose name is on the disk already, is synced with a mark that says it is whole,
and renamed to ``<study>/<sop>.dcm``; a row goes into the journal; only then ``store`` returns. Should the machine stop
before the new name has reached the disk, the next start finds the marked file and gives it that name. What the folders
hold is the truth; any database about it can be made again.
"""

from __future__ import annotations

import errno
import mmap
import os
import re
import secrets
import shutil
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from overread.clinic.encoded import NotWholeError, elements
from overread.clinic.keeping.arriving import Arriving, EmptyFiles
from overread.clinic.keeping.journal import Entry, Journal, now
from overread.clinic.keeping.meta import is_whole, read_meta
from overread.files import fsync_folder

STUDY_UID, SERIES_UID = 0x0020000D, 0x0020000E
SOP_CLASS_UID, SOP_INSTANCE_UID = 0x00080016, 0x00080018
UID_PATTERN = re.compile(r"[0-9.]{1,64}")
COMPARE_STEP = 1 << 20
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Status(IntEnum):
    """C-STORE status codes that we answer with (PS3.4 table B.2-1, PS3.7 section 9.1.1.1.9; C122 of STOW-RS)."""

    SUCCESS = 0x0000
    INVALID_INSTANCE = 0x0117
    CLASS_NOT_SUPPORTED = 0x0122
    NOT_AUTHORIZED = 0x0124
    MISTYPED_ARGUMENT = 0x0212
    OUT_OF_RESOURCES = 0xA700
    DOES_NOT_MATCH = 0xA900
    CANNOT_UNDERSTAND = 0xC000
    OTHER_CONTENT = 0xC111
    SYNTAX_NOT_SUPPORTED = 0xC122


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
        fsync_folder(self.folder)
        # Two associations may bring the same instance at once: one of them names it. Others need not wait for that.
        self._naming = [threading.Lock() for _ in range(64)]
        self._files = EmptyFiles(self.incoming)
        self.journal = Journal(self.folder / ".journal.db")
        self._take_up()

    def _take_up(self) -> None:
        """Give what was whole its name, remove what was not, and hold the journal against the folders."""
        for left in sorted(self.incoming.iterdir()):
            if left.is_dir():
                # A study that was being removed.
                shutil.rmtree(left)
                continue
            kept = is_whole(left)
            try:
                if kept is not None:
                    with _mapped(left) as data:
                        study, _ = self._identify(
                            data[kept.begin :], kept.sop_class, kept.sop, kept.transfer_syntax
                        )
                    self._name(left, study, kept.sop)
            except ValueError:
                # Unreadable; what was never named was never acknowledged, so its sender still has it.
                pass
            left.unlink(missing_ok=True)
        self.journal.reconcile(self._there())

    def begin(self, sop_class: str, sop: str, transfer_syntax: str, sender: str = "") -> Arriving:
        """One instance that comes in pieces: write them, then `keep` it (or discard it)."""
        return Arriving(
            self._files, sop_class=sop_class, sop=sop, transfer_syntax=transfer_syntax, sender=sender
        )

    def store(self, data: bytes, sop_class: str, sop: str, transfer_syntax: str, sender: str = "") -> Stored:
        """Keep one instance as it came: ``data`` is the data set as on the wire."""
        arriving = self.begin(sop_class, sop, transfer_syntax, sender)
        try:
            arriving.write(data)
        except OSError as error:
            arriving.discard()
            return out_of_resources(error)
        return self.keep(arriving)

    def keep(self, arriving: Arriving, study: str = "") -> Stored:
        """Keep an instance that has come as a whole. Nothing of it is left where it is refused.

        The SOP Class and Instance UID that it was announced with must be those of its data set; where ``study`` is
        given, it must belong to that one.
        """
        wanted = study
        try:
            with arriving.data() as data:
                study, series = self._identify(
                    data, arriving.sop_class, arriving.sop, arriving.transfer_syntax
                )
            if wanted and study != wanted:
                raise ValueError("StudyInstanceUID is not the one that was named")
            return self._keep(arriving, study, series)
        except NotWholeError as error:
            return Stored(Status.CANNOT_UNDERSTAND, f"not whole: {error}"[:64])
        except ValueError as error:
            return Stored(Status.DOES_NOT_MATCH, str(error)[:64])
        except OSError as error:
            return out_of_resources(error)
        finally:
            arriving.discard()

    def path(self, study: str, sop: str) -> Path:
        """Where an instance lies. Raises ValueError for anything but UIDs."""
        return self.folder / safe_uid(study) / f"{safe_uid(sop)}.dcm"

    def studies(self) -> list[str]:
        """Study Instance UIDs with at least one instance."""
        return sorted({study for study, _ in self._there()})

    def instances(self, study: str) -> list[str]:
        """SOP Instance UIDs of a study, sorted."""
        folder = self.folder / safe_uid(study)
        return sorted(p.stem for p in folder.glob("*.dcm")) if folder.is_dir() else []

    def remove(self, study: str, sops: Sequence[str] | None = None) -> bool:
        """Remove a study in one step, so that a part of one is never taken for another study: then its rows and files.

        False, and nothing is removed, where it holds other instances than ``sops``.
        """
        folder, gone = self.folder / safe_uid(study), self.incoming / f"{secrets.token_hex(16)}.removed"
        with ExitStack() as nobody_names:
            for lock in self._naming:
                nobody_names.enter_context(lock)
            there = self.instances(study)
            if sops is not None and there != sorted(sops):
                return False
            if folder.is_dir():
                folder.rename(gone)
        fsync_folder(self.folder)
        for sop in there:
            with self._naming_of(sop):
                # What came meanwhile stays.
                if not self.path(study, sop).exists():
                    self.journal.remove(sop)
        if gone.is_dir():
            shutil.rmtree(gone)
        return True

    def entry(self, sop: str) -> Entry | None:
        """What the journal says about an instance that is there."""
        found = self.journal.find(sop)
        if found is None or found.sop_class:
            return found
        # Made again from the files: the file itself says more.
        try:
            with self.path(found.study, sop).open("rb") as file:
                kept = read_meta(file)
        except (OSError, ValueError):
            return found
        return found._replace(
            sop_class=kept.sop_class, transfer_syntax=kept.transfer_syntax, sender=kept.sender
        )

    def _there(self) -> Iterator[tuple[str, str]]:
        for folder in self.folder.iterdir():
            if UID_PATTERN.fullmatch(folder.name) and folder.is_dir():
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.name.endswith(".dcm"):
                            yield folder.name, entry.name.removesuffix(".dcm")

    def _identify(
        self, data: bytes | memoryview, sop_class: str, sop: str, transfer_syntax: str
    ) -> tuple[str, str]:
        """Study and Series Instance UID."""
        wanted = (SOP_CLASS_UID, SOP_INSTANCE_UID, STUDY_UID, SERIES_UID)
        found = elements(data, transfer_syntax, wanted, scratch=self.incoming)
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
        return texts[STUDY_UID], texts[SERIES_UID]

    def _keep(self, arriving: Arriving, study: str, series: str) -> Stored:
        sop = arriving.sop
        size, temporary = arriving.size, arriving.to_disk()
        known = self._name(
            temporary,
            study,
            sop,
            Entry(
                sop, study, series, arriving.sop_class, arriving.transfer_syntax, size, arriving.sender, now()
            ),
        )
        if known is not None:
            return self._again(known, arriving, study)
        arriving.kept()
        return Stored(Status.SUCCESS, study=study, sop=sop, new=True)

    def _name(self, temporary: str | Path, study: str, sop: str, entry: Entry | None = None) -> Entry | None:
        """Give a whole file its name and a row. The row of the instance that has its UID, where there is one."""
        with self._naming_of(sop):
            known = self.journal.find(sop)
            if known is not None and self.path(known.study, sop).exists():
                return known
            # Both are UIDs by now. Texts, for paths as objects would be a tenth of what an instance costs.
            folder = f"{self.folder}/{study}"
            final = f"{folder}/{sop}.dcm"
            if os.path.exists(final):  # noqa: PTH110
                return Entry(sop, study)
            try:
                os.replace(temporary, final)  # noqa: PTH105
            except FileNotFoundError:
                os.makedirs(folder, exist_ok=True)  # noqa: PTH103
                os.replace(temporary, final)  # noqa: PTH105
            if entry is not None:
                try:
                    self.journal.add(entry)
                except sqlite3.Error as error:
                    # Without a row nobody is told of success; the file goes with it.
                    Path(final).unlink(missing_ok=True)
                    raise OSError(errno.EIO, f"journal: {error}") from error
            return None

    def _naming_of(self, sop: str) -> threading.Lock:
        return self._naming[hash(sop) % len(self._naming)]

    def _again(self, known: Entry, arriving: Arriving, study: str) -> Stored:
        sop = arriving.sop
        if known.study != study:
            return Stored(
                Status.OTHER_CONTENT, "this SOP instance is already here in another study", study, sop
            )
        # Only the data set counts: file meta information names the receiving software, which may be updated.
        path = self.path(study, sop)
        with arriving.data() as data:
            same = _same_data_set(path, data)
        if not same:
            return Stored(
                Status.OTHER_CONTENT, "this SOP instance is already here with other content", study, sop
            )
        return Stored(Status.SUCCESS, study=study, sop=sop)


def out_of_resources(error: OSError) -> Stored:
    """The answer to an instance that cannot be written (PS3.4 table B.2-1, A700)."""
    reason = "disk full" if error.errno in FULL else f"cannot be written ({error.strerror or error})"
    return Stored(Status.OUT_OF_RESOURCES, reason[:64])


@contextmanager
def _mapped(path: Path) -> Iterator[memoryview]:
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as view,
    ):
        yield view


def _same_data_set(path: Path, data: bytes | memoryview) -> bool:
    with path.open("rb") as f:
        try:
            f.seek(read_meta(f).begin)
        except ValueError:
            return False
        if path.stat().st_size - f.tell() != len(data):
            return False
        return all(
            f.read(COMPARE_STEP) == data[i : i + COMPARE_STEP] for i in range(0, len(data), COMPARE_STEP)
        )
