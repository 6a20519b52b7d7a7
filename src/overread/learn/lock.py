"""One training in a folder at a time."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from overread.errors import OverreadError
from overread.files import write_json

LOCK, HOLDER = ".training.lock", ".training.json"


@contextmanager
def one_training(folder: Path) -> Iterator[None]:
    """Hold ``folder`` while training in it.

    The operating system gives the lock back when its holder dies, however it dies: none is left over. Who holds it
    stands in a file beside it, which is read only while the lock is held.

    Raises OverreadError that names the process, its host and since when, where another one trains there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise OverreadError(
            f"{folder}: {_holder(folder)} trains here; wait for it, stop it, or train in a copy of the folder"
        ) from error
    try:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        write_json(folder / HOLDER, {"process": os.getpid(), "host": socket.gethostname(), "since": now})
        yield
    finally:
        (folder / HOLDER).unlink(missing_ok=True)
        lock.release()


def _holder(folder: Path) -> str:
    try:
        who = json.loads((folder / HOLDER).read_text(encoding="utf-8"))
        return f"process {who['process']} on {who['host']}, since {who['since']},"
    except (OSError, ValueError, KeyError):
        return "another process"
