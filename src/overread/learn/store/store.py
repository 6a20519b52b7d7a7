"""The store: entries by key, kept in packs under one folder, found by an index."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from overread.errors import InputError, OverreadError
from overread.learn.store.entry import Entry
from overread.learn.store.index import Index, Row
from overread.learn.store.packs import SUFFIX, Pack, remove_unused
from overread.learn.store.place import FOLDER, LIMIT, default_limit, default_root, in_words

FORMAT = "prepared-1"
PACK_BYTES = 1 << 30
SAFE_BYTES, SAFE_SECONDS = 1 << 26, 2.0
"""After so much was written, or so long, it is made safe: what a kill would cost."""


@dataclass(frozen=True)
class Usage:
    """What the store holds, in bytes: of packs, in all and of those in use now; and how much it may hold."""

    folder: Path
    entries: int
    held: int
    limit: int


class Store:
    """Prepared cases on disk. Any number of threads and processes of one machine may use it at once."""

    def __init__(self, root: Path | None = None, *, limit: int | None = None) -> None:
        """Open the store under ``root`` (see `place`), made where there is none.

        Raises InputError where nothing can be written there.
        """
        root = root or default_root()
        self.folder = root / FORMAT
        self.packs = self.folder / "packs"
        self.index = Index(self.folder / "index.db")
        self._limit = limit
        try:
            for folder in (root, self.folder, self.packs):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.index.create()
        except OSError as error:
            raise InputError(
                f"{self.folder}: prepared cases cannot be kept there ({error.strerror}); set {FOLDER} to a folder "
                'that can be written, or "read": "files" in plan.json'
            ) from error

    def find(self, keys: Iterable[str]) -> dict[str, Row]:
        """Those of ``keys`` whose bytes are all there; rows of packs that are gone or too short are forgotten."""
        rows = self.index.rows(keys)
        sizes = {p.name: p.stat().st_size for p in self._files()}
        lost = [k for k, r in rows.items() if r.start + r.size > sizes.get(r.pack, 0)]
        if lost:
            self.index.drop(lost)
        return {k: r for k, r in rows.items() if k not in set(lost)}

    @contextmanager
    def writer(self) -> Iterator[Writer]:
        """Add entries; those added are kept whatever ends the block."""
        writer = Writer(self)
        try:
            yield writer
        finally:
            writer.close()

    @contextmanager
    def filling(self) -> Iterator[bool]:
        """While the block lasts this process fills the store; whether it was the only one when it began."""
        handle = os.open(self.folder / "filling.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                first = True
            except OSError:
                first = False
            yield first
        finally:
            os.close(handle)

    def usage(self) -> Usage:
        """What there is."""
        held = self._held()
        return Usage(self.folder, self.index.count(), held, self.limit(held))

    def limit(self, held: int) -> int:
        """Bytes that the store may hold."""
        return default_limit(self.folder, held) if self._limit is None else self._limit

    def prune(self, keep: int = 0) -> int:
        """Remove packs that nobody uses, those used longest ago first, until at most ``keep`` bytes are held.

        Gives the bytes that are free again.
        """
        used = self.index.used()
        sizes = {p.name: p.stat().st_size for p in self._files()}
        held, gone = sum(sizes.values()), []
        for name in sorted(sizes, key=lambda n: used.get(n, 0.0)):
            if held <= keep:
                break
            # The file first: rows without a pack are seen to be lost, a pack without rows would stay for ever.
            if remove_unused(self.packs / name):
                gone.append(name)
                held -= sizes[name]
        self.index.drop_packs([*gone, *(set(used) - set(sizes))])
        if not held:
            # Names of files can be names of patients.
            self.index.forget_files()
        return sum(sizes[name] for name in gone)

    def make_room(self, more: int) -> None:
        """Prune until ``more`` bytes fit within the limit. Raises OverreadError where too much is in use for that."""
        held = self._held()
        limit = self.limit(held)
        if held + more <= limit:
            return
        held -= self.prune(max(0, limit - more))
        if held + more > limit:
            raise OverreadError(
                f"{self.folder}: prepared cases in use take {in_words(held)} and may take {in_words(limit)}; set "
                f'{LIMIT} higher (as 200G), {FOLDER} to a folder on a larger disk, or "read": "files" in plan.json'
            )

    def _held(self) -> int:
        return sum(p.stat().st_size for p in self._files())

    def _files(self) -> Iterator[Path]:
        for entry in os.scandir(self.packs):
            if entry.name.endswith(SUFFIX):
                yield Path(entry.path)


class Writer:
    """Adds entries to packs of its own; see `Store.writer`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pack: Pack | None = None
        self._rows: dict[str, Row] = {}
        self._bytes, self._since = 0, time.monotonic()

    def add(self, key: str, entry: Entry) -> None:
        """Keep ``entry`` under ``key``.

        Raises OverreadError where the disk is full or the store's limit reached; what was added before is kept.
        """
        size = entry.size
        if self._pack is None or self._pack.size + size > PACK_BYTES:
            self.close()
            self._store.make_room(size)
            self._pack = Pack.new(self._store.packs)
        try:
            start = self._pack.append(entry.pieces)
            self._rows[key] = Row(self._pack.path.name, start, entry.head, size)
            self._bytes += size
            if self._bytes >= SAFE_BYTES or time.monotonic() - self._since >= SAFE_SECONDS:
                self.commit()
                self._store.make_room(0)
        except OSError as error:
            raise _full(self._store, error) from error

    def commit(self) -> None:
        """Make what was added safe, and known to all."""
        if self._pack is not None and self._rows:
            # First the bytes, then the rows that point to them: a kill between leaves bytes that nobody looks for.
            self._pack.sync()
            self._store.index.add(self._rows)
        self._rows, self._bytes, self._since = {}, 0, time.monotonic()

    def close(self) -> None:
        """Commit, and let go of the pack."""
        if self._pack is not None:
            try:
                self.commit()
            except OSError as error:
                raise _full(self._store, error) from error
            finally:
                self._pack.close()
                self._pack = None


def _full(store: Store, error: OSError) -> OverreadError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OverreadError(
            f"{store.folder}: the disk is full; free some room (`overread cache --prune` removes what no training "
            f'uses), set {FOLDER} to a folder on another disk, or "read": "files" in plan.json'
        )
    return OverreadError(f"{store.folder}: cannot be written ({error.strerror}); check the disk")
