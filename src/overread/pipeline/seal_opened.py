"""Opening the seal of a test, for as long as the test takes."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

from overread.cohort.cohort import FILE, SEAL, Cohort
from overread.cohort.hashes import file_hashes
from overread.cohort.table import read_table, write_csv
from overread.errors import InputError
from overread.files import only_mine, sha256_bytes
from overread.keys.letter import open_letter
from overread.keys.ring import Person
from overread.pipeline.seal import FILES, WHAT, read_letter, recorded_root, refuse_lying_open, root
from overread.pipeline.workspace import Workspace

PREFIX = "overread-test-"
HELD = ".held"


@contextmanager
def opened_test(
    space: Workspace, person: Person, *, before: Callable[[], object] = lambda: None
) -> Iterator[Cohort]:
    """The cohort with the truth of its test cases, as long as the context lasts; its masks lie in a folder of its own.

    ``before`` is called when all is known to be in order, before any of the truth is on the disk: whatever ends the
    process from there on, the look was counted.

    Raises
    ------
    InputError
        Not sealed for this person, altered, another seal than the ledger recorded, truth that lies beside the seal, or
        other test images than were sealed.
    """
    letter = read_letter(space.folder)
    plain = open_letter(letter["letter"], person, str(space.folder / SEAL), what=WHAT)
    content = json.loads(plain)
    refuse_lying_open(space)
    closed = space.cohort()
    _check_root(space, letter, plain, content["key"], closed)
    before()
    _sweep()
    with only_mine(), _ended_in_order(), TemporaryDirectory(prefix=PREFIX) as place, _in_use(Path(place)):
        here = Path(place)
        names = {
            name: _written(
                here / f"{n}" / Path(name).name, _unsealed(space.folder, sealed, name, content["key"])
            )
            for n, (name, sealed) in enumerate(letter["files"].items())
        }
        _write_table(space, content["cells"], names, here)
        opened = Workspace(here, space.protocol).cohort()
        cases = tuple(c for c in opened if c.split == "test")
        by_name = {c.case: c for c in cases}
        known = tuple(by_name.get(c.case, c) for c in closed)
        yield Cohort(space.folder, known, closed.channel_names, closed=closed)


def _check_root(space: Workspace, letter: Mapping[str, Any], plain: bytes, key: str, closed: Cohort) -> None:
    """Raise InputError unless truth and images have the root that the ledger recorded last; nothing is written."""
    truths = {k: sha256_bytes(_unsealed(space.folder, v, k, key)) for k, v in letter["files"].items()}
    images = file_hashes(closed.split("test"), space.folder)
    found, recorded = root(images | truths, plain), recorded_root(space)
    if letter["facts"]["root"] != recorded:
        raise InputError(
            f"{space.folder / SEAL}: is not the seal that the ledger recorded (root {recorded[:12] or 'none'}); "
            "another was put in its place: restore it from a backup"
        )
    if found != recorded:
        raise InputError(
            f"{space.folder}: the test images are not those that were sealed; restore them from a backup"
        )


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let a request to end (SIGTERM, SIGHUP) end the process by an exception, which takes the opened files away."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = [s for s in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(s) is signal.SIG_DFL]
    try:
        for one in asked:
            signal.signal(one, lambda number, _: sys.exit(128 + number))
        yield
    finally:
        for one in asked:
            signal.signal(one, signal.SIG_DFL)


@contextmanager
def _in_use(place: Path) -> Iterator[None]:
    """Hold a lock in ``place``, which nothing but the end of the process takes away unasked."""
    handle = os.open(place / HELD, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sweep() -> None:
    """Remove what processes left that were killed while a test lay open."""
    for place in Path(gettempdir()).glob(f"{PREFIX}*"):
        try:
            handle = os.open(place / HELD, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(handle).st_uid == os.getuid():
                shutil.rmtree(place, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(handle)


def _unsealed(folder: Path, sealed: str, name: str, key: str) -> bytes:
    """The decrypted content of the file ``name``. Raises InputError where it is gone or was altered."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    path = folder / sealed
    try:
        data = path.read_bytes()
        return AESGCM(base64.b64decode(key)).decrypt(data[:12], data[12:], name.encode())
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file, though {SEAL} names it; restore it from a backup") from error
    except InvalidTag as error:
        raise InputError(f"{path}: was altered, and cannot be opened; restore it from a backup") from error


def _written(target: Path, data: bytes) -> Path:
    target.parent.mkdir(parents=True)
    target.write_bytes(data)
    return target


def _write_table(
    space: Workspace, cells: Mapping[str, Mapping[str, str]], names: Mapping[str, Path], place: Path
) -> None:
    """The table with its sealed cells filled in ``place``, every path whole."""
    table = read_table(space.folder)
    rows = []
    for row in table.rows:
        full = {
            k: str((space.folder / v.strip()).absolute())
            if v.strip() and (k.startswith("image") or k in FILES)
            else v
            for k, v in row.items()
        }
        sealed = cells.get(row["case"].strip(), {})
        rows.append(
            full | {k: str(names[v.strip()]) if k in FILES and v.strip() else v for k, v in sealed.items()}
        )
    write_csv(place / FILE, table.columns, rows)
