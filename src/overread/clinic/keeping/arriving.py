"""One instance on its way in: pieces of the data set go to a file that has a lasting name before it has content.

Small objects wait in memory and are written in one piece; longer ones go to the file as they come.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import secrets
import threading
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from overread.clinic.keeping.meta import MARK, encode_meta
from overread.files import fsync_folder

IN_MEMORY_BYTES = 1 << 20
FIRST_FILES, EMPTY_FILES = 8, 128


class EmptyFiles:
    """Names in the folder of incoming files that are on the disk already.

    To make a new name last costs a flush of the disk (milliseconds); made in advance, 128 cost one. They are made in a
    thread of their own while half of the last ones are left, so that nobody waits for them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names: deque[str] = deque()
        self._making = threading.Lock()
        self._count, self._few = FIRST_FILES, 0

    def take(self) -> str:
        """An empty file for one instance. Raises OSError."""
        while True:
            try:
                path = self._names.popleft()
            except IndexError:
                with self._making:
                    if not self._names:
                        self._make()
                continue
            if len(self._names) < self._few and self._making.acquire(blocking=False):
                threading.Thread(target=self._make_ahead, name="empty-files", daemon=True).start()
            return path

    def _make_ahead(self) -> None:
        # Whoever needs one later meets the error, and answers it.
        with contextlib.suppress(OSError):
            self._make()
        self._making.release()

    def _make(self) -> None:
        made: list[str] = []
        try:
            for _ in range(self._count):
                path = f"{self.folder}/{secrets.token_hex(16)}.part"
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
                made.append(path)
        except OSError:
            if not made:
                raise
        fsync_folder(self.folder)
        self._names.extend(made)
        # A spool that is used much gets more of them at once.
        self._few = len(made) // 2
        self._count = min(2 * self._count, EMPTY_FILES)


class Arriving:
    """The data set of one instance while it comes in. Not shared between threads."""

    def __init__(
        self, files: EmptyFiles, *, sop_class: str, sop: str, transfer_syntax: str, sender: str
    ) -> None:
        self.sop_class, self.sop, self.transfer_syntax, self.sender = sop_class, sop, transfer_syntax, sender
        self.size = 0
        self._head = encode_meta(sop_class=sop_class, sop=sop, transfer_syntax=transfer_syntax, sender=sender)
        self._files = files
        self._memory = bytearray()
        self._check = 0
        self.path: str | None = None
        self._fd = -1

    def write(self, piece: memoryview | bytes) -> None:
        """The next piece. Raises OSError where it cannot be written; then nothing more is to be written."""
        self.size += len(piece)
        self._memory += piece
        if len(self._memory) > IN_MEMORY_BYTES:
            self._to_file()

    @contextmanager
    def data(self) -> Iterator[bytes | memoryview]:
        """The whole data set, to be looked at."""
        if self.size == len(self._memory):
            yield bytes(self._memory)
            return
        self._to_file()
        with (
            mmap.mmap(self._fd, 0, access=mmap.ACCESS_READ) as mapped,
            memoryview(mapped) as view,
            view[len(self._head) :] as data,
        ):
            yield data

    def beginning(self) -> bytes | None:
        """What has come, while all of it is in memory."""
        return bytes(self._memory) if self.size == len(self._memory) else None

    def to_disk(self) -> str:
        """Return when the disk has the whole instance, marked as whole. Raises OSError."""
        if self._fd < 0:
            self._open()
            self._check = zlib.crc32(self._memory)
            head = self._head[: -MARK.size] + MARK.pack(self.size, self._check)
            self._write(head + self._memory)
        else:
            self._to_file()
            _whole(
                os.pwrite(self._fd, MARK.pack(self.size, self._check), len(self._head) - MARK.size), MARK.size
            )
        os.fdatasync(self._fd)
        assert self.path is not None
        return self.path

    def kept(self) -> None:
        """Its file has its own name now, and is not ours to remove."""
        self.path = None

    def discard(self) -> None:
        """Leave nothing behind. May be called at any time, also again."""
        self._memory = bytearray()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self.path is not None:
            Path(self.path).unlink(missing_ok=True)
            self.path = None

    def _open(self) -> None:
        while self._fd < 0:
            self.path = self._files.take()
            try:
                self._fd = os.open(self.path, os.O_RDWR)
            except FileNotFoundError:
                # Somebody tidied up: the next one, or new ones.
                continue

    def _to_file(self) -> None:
        if self._fd < 0:
            self._open()
            self._write(self._head)
        if self._memory:
            self._check = zlib.crc32(self._memory, self._check)
            self._write(self._memory)
            self._memory = bytearray()

    def _write(self, data: bytes | bytearray) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]


def _whole(written: int, expected: int) -> None:
    if written != expected:
        raise OSError(f"{written} of {expected} bytes written")
