"""Writing files so that a crash leaves either the old content or the new, never half of it.

Who may read a file is for the person's umask to say; what a node keeps of patients is for its own user alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def sha256_bytes(data: bytes) -> str:
    """Hexadecimal SHA-256 of ``data``."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content, read in blocks."""
    with Path(path).open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def canonical_json(value: Any) -> str:
    """The one JSON text of ``value`` that hashes are taken over: sorted keys, no spaces, NaN refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def fsync_folder(folder: Path) -> None:
    """Make a rename or a new name in ``folder`` survive a power cut."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def only_mine() -> Iterator[None]:
    """Files and folders made meanwhile are for this user alone (0600, 0700), in all threads of the process."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def open_to_others(folder: Path) -> bool:
    """Whether the mode of ``folder`` lets anybody but its owner in."""
    return bool(folder.stat().st_mode & 0o077)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Wait until no other process or thread works on ``path``, and keep them waiting meanwhile.

    Only those that ask for it are kept out. The lock is a file beside ``path``, gone afterwards; a process that dies
    frees it.
    """
    lock = path.with_name(f".{path.name[:100]}.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            # Who held it before has removed it: then this is a lock on a name that is gone.
            try:
                current = os.path.samestat(os.fstat(handle), lock.stat())
            except FileNotFoundError:
                current = False
            if current:
                try:
                    yield
                finally:
                    lock.unlink(missing_ok=True)
                return
        finally:
            os.close(handle)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it is synced and renamed over ``path``.

    The file has the mode that the umask gives a new one.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _new_file(path)
    try:
        yield temporary
        with temporary.open("rb") as f:
            os.fsync(f.fileno())
        temporary.replace(path)
        fsync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def new_folder_beside(path: Path) -> Path:
    """An empty folder beside ``path`` that nobody had, to be renamed to it; not mkdtemp's, whose mode is 0700."""
    while True:
        temporary = _name_beside(path)
        try:
            temporary.mkdir()
        except FileExistsError:
            continue
        return temporary


def _new_file(path: Path) -> Path:
    """An empty file beside ``path`` that nobody had; not mkstemp's, whose mode is 0600."""
    while True:
        temporary = _name_beside(path)
        try:
            os.close(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666))
        except FileExistsError:
            continue
        return temporary


def _name_beside(path: Path) -> Path:
    # The name of the file itself may be as long as a name can be.
    return path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.part")


def write_text(path: Path, text: str) -> None:
    """Write ``text`` (UTF-8) to ``path`` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON to ``path`` atomically. Raises ValueError on NaN or infinity."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What makes a spreadsheet take a cell for a formula (OWASP, CSV Injection)."""


def quoted_cell(text: str) -> str:
    """``text`` for a table that people open in a spreadsheet: behind an apostrophe where it would be a formula.

    Numbers stay, and a text that begins with an apostrophe gets another, so that `unquoted_cell` gives back what was.
    """
    if text.startswith("'") or (text.startswith(FORMULA) and not _is_number(text)):
        return f"'{text}"
    return text


def unquoted_cell(text: str) -> str:
    """What `quoted_cell` was given."""
    return text.removeprefix("'")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and text == text.strip()
