"""Packs: files that grow at their end only, in which the bytes of entries lie.

Who reads or writes a pack holds a shared lock on it, who removes one an exclusive one: a pack in use stays.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from overread.errors import OverreadError
from overread.files import fsync_folder
from overread.learn.store.bricks import DamagedError
from overread.learn.store.place import FOLDER

SUFFIX = ".pack"


class Pack:
    """An open pack, with a shared lock on it until `close`."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path, self.size = path, os.fstat(handle).st_size
        self._handle = handle

    @classmethod
    def new(cls, folder: Path) -> Pack:
        """Make one in ``folder``, for its owner's eyes only."""
        path = folder / f"{secrets.token_hex(8)}{SUFFIX}"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        _locked(path, handle, fcntl.LOCK_SH)
        fsync_folder(folder)
        return cls(path, handle)

    @classmethod
    def open(cls, path: Path) -> Pack | None:
        """Open one to read; None where it is gone, or going."""
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        if _locked(path, handle, fcntl.LOCK_SH):
            return cls(path, handle)
        os.close(handle)
        return None

    def append(self, pieces: Sequence[bytes]) -> int:
        """Write ``pieces`` at the end and give the place of the first byte; `sync` makes them safe. Raises OSError."""
        start = self.size
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                written = os.pwrite(self._handle, rest, self.size)
                rest, self.size = rest[written:], self.size + written
        return start

    def sync(self) -> None:
        """Return when what was written would survive a power cut."""
        os.fsync(self._handle)

    def read(self, start: int, count: int) -> bytes:
        """Bytes by position: no page of the file is mapped. Raises DamagedError where there are not as many."""
        try:
            content = os.pread(self._handle, count, start)
        except OSError as error:
            raise DamagedError(f"{self.path}: cannot be read ({error.strerror})") from error
        if len(content) != count:
            raise DamagedError(f"{self.path}: has {len(content)} of {count} bytes at {start}")
        return content

    def close(self) -> None:
        """Let go of it; once is enough."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __del__(self) -> None:
        self.close()


def remove_unused(path: Path) -> bool:
    """Remove a pack that nobody uses; whether it is gone."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        if not _locked(path, handle, fcntl.LOCK_EX):
            return False
        path.unlink(missing_ok=True)
        return True
    finally:
        os.close(handle)


def _locked(path: Path, handle: int, kind: int) -> bool:
    """Lock it, or False where another kind of lock is on it. Raises OverreadError where there are no locks at all."""
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise OverreadError(
            f"{path}: cannot be locked ({error.strerror}); set {FOLDER} to a folder on a local disk"
        ) from error
    return True
