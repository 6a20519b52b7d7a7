"""The index: which entry lies where, which file has which hash. SQLite, so that a kill at any moment leaves it good."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from overread.errors import OverreadError

BUSY_SECONDS = 120.0
SCHEMA = """
CREATE TABLE IF NOT EXISTS packs (name TEXT PRIMARY KEY, used REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY, pack TEXT NOT NULL, start INTEGER NOT NULL, head INTEGER NOT NULL, size INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_of_pack ON entries (pack);
CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, state TEXT NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Row:
    """Where an entry lies: its pack, its first byte, the length of its head and of the whole."""

    pack: str
    start: int
    head: int
    size: int


@dataclass(frozen=True)
class Index:
    """The tables in ``path``. Every call has a connection of its own: threads and processes may share an index."""

    path: Path

    def create(self) -> None:
        """Make the tables where there are none; only the owner may read them."""
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        with self._connected() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(SCHEMA)

    def rows(self, keys: Iterable[str]) -> dict[str, Row]:
        """Those of ``keys`` that are there."""
        with self._connected() as db:
            found = {}
            for key in keys:
                row = db.execute(
                    "SELECT pack, start, head, size FROM entries WHERE key = ?", (key,)
                ).fetchone()
                if row:
                    found[key] = Row(*row)
            return found

    def add(self, rows: Mapping[str, Row]) -> None:
        """Add entries whose bytes are safe on the disk; one that is there stays as it is."""
        with self._connected() as db, db:
            db.executemany(
                "INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?, ?)",
                [(key, r.pack, r.start, r.head, r.size) for key, r in rows.items()],
            )
            self._mark(db, {r.pack for r in rows.values()})

    def drop(self, keys: Iterable[str]) -> None:
        """Forget entries."""
        with self._connected() as db, db:
            db.executemany("DELETE FROM entries WHERE key = ?", [(key,) for key in keys])

    def drop_packs(self, names: Sequence[str]) -> None:
        """Forget packs and every entry in them."""
        with self._connected() as db, db:
            db.executemany("DELETE FROM entries WHERE pack = ?", [(name,) for name in names])
            db.executemany("DELETE FROM packs WHERE name = ?", [(name,) for name in names])

    def mark_used(self, names: Iterable[str]) -> None:
        """Note that packs are used now."""
        with self._connected() as db, db:
            self._mark(db, names)

    def used(self) -> dict[str, float]:
        """When each pack was used last, seconds since 1970."""
        with self._connected() as db:
            return dict(db.execute("SELECT name, used FROM packs").fetchall())

    def count(self) -> int:
        """How many entries there are."""
        with self._connected() as db:
            return int(db.execute("SELECT count(*) FROM entries").fetchone()[0])

    def digests(self, states: Mapping[str, str]) -> dict[str, str]:
        """Known SHA-256 by path, of the files whose state is still the one given."""
        with self._connected() as db:
            found = {}
            for path, state in states.items():
                row = db.execute("SELECT state, digest FROM files WHERE path = ?", (path,)).fetchone()
                if row and row[0] == state:
                    found[path] = row[1]
            return found

    def remember(self, digests: Mapping[str, tuple[str, str]]) -> None:
        """Remember ``(state, SHA-256)`` by path."""
        with self._connected() as db, db:
            db.executemany(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?)", [(p, *v) for p, v in digests.items()]
            )

    def forget_files(self) -> None:
        """Forget every file's hash, and give the room back."""
        with self._connected() as db:
            with db:
                db.execute("DELETE FROM files")
            db.execute("VACUUM")

    @staticmethod
    def _mark(db: sqlite3.Connection, names: Iterable[str]) -> None:
        db.executemany("INSERT OR REPLACE INTO packs VALUES (?, ?)", [(n, time.time()) for n in names])

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS)) as db:
                # Rows of the last moments may be lost with the power, never the file: their cases are prepared again.
                db.execute("PRAGMA synchronous = NORMAL")
                yield db
        except sqlite3.Error as error:
            raise OverreadError(
                f"{self.path}: the index of prepared cases cannot be used ({error}); if the disk is not full, delete "
                f"the folder {self.path.parent}: all in it is prepared anew"
            ) from error
