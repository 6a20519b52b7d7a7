"""The journal of the spool: one row for each instance that is kept, so that a UID is found without looking for files.

The files are the truth. The journal is written before success is answered, and is held against the folders at every
start, so that nothing depends on its last rows having reached the disk.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS instances (
    sop TEXT PRIMARY KEY, study TEXT NOT NULL, series TEXT NOT NULL, sop_class TEXT NOT NULL,
    transfer_syntax TEXT NOT NULL, bytes INTEGER NOT NULL, sender TEXT NOT NULL, received TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_study ON instances (study);
"""


class Entry(NamedTuple):
    """One kept instance. Texts that were not known when the row was made again from the files are empty."""

    sop: str
    study: str
    series: str = ""
    sop_class: str = ""
    transfer_syntax: str = ""
    bytes: int = 0
    sender: str = ""
    received: str = ""


def now() -> str:
    """Time of reception, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class _Batch:
    """Rows that go into the journal in one transaction, and how that ended."""

    def __init__(self) -> None:
        self.rows: list[Entry] = []
        self.done = threading.Event()
        self.error: sqlite3.Error | None = None


class Journal:
    """Rows in an SQLite file; safe to share between threads of one process.

    Rows that come while others are being written go together into the next transaction.
    """

    def __init__(self, path: Path) -> None:
        self._reading, self._writing, self._collecting = threading.Lock(), threading.Lock(), threading.Lock()
        self._next = _Batch()
        try:
            self._db, self._reader = self._open(path), self._open(path)
        except sqlite3.DatabaseError:
            # What cannot be read is made again from the files.
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            self._db, self._reader = self._open(path), self._open(path)

    @staticmethod
    def _open(path: Path) -> sqlite3.Connection:
        db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        try:
            # A process that dies loses nothing; what a power cut takes is made again from the files.
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            db.executescript(SCHEMA)
        except sqlite3.DatabaseError:
            db.close()
            raise
        return db

    def find(self, sop: str) -> Entry | None:
        """The instance of that UID."""
        with self._reading:
            row = self._reader.execute("SELECT * FROM instances WHERE sop = ?", (sop,)).fetchone()
        return Entry(*row) if row else None

    def add(self, entry: Entry) -> None:
        """A row, replaced where the UID is known. Raises sqlite3.Error where it cannot be written."""
        with self._collecting:
            batch = self._next
            batch.rows.append(entry)
            first = len(batch.rows) == 1
        if first:
            with self._writing:
                with self._collecting:
                    self._next = _Batch()
                self._write(batch)
        batch.done.wait()
        if batch.error is not None:
            raise batch.error

    def _write(self, batch: _Batch) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany("INSERT OR REPLACE INTO instances VALUES (?,?,?,?,?,?,?,?)", batch.rows)
                self._db.execute("COMMIT")
            except sqlite3.Error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            batch.error = error
        finally:
            batch.done.set()

    def remove(self, sop: str) -> None:
        """No row for this UID any more."""
        with self._writing:
            self._db.execute("DELETE FROM instances WHERE sop = ?", (sop,))

    def study(self, study: str) -> list[Entry]:
        """Rows of a study, by UID."""
        with self._reading:
            rows = self._reader.execute(
                "SELECT * FROM instances WHERE study = ? ORDER BY sop", (study,)
            ).fetchall()
        return [Entry(*row) for row in rows]

    def reconcile(self, files: Iterable[tuple[str, str]]) -> None:
        """Make the rows those of ``files``, pairs of study and SOP Instance UID."""
        with self._writing, closing(self._db.cursor()) as c:
            c.execute("CREATE TEMP TABLE there (sop TEXT PRIMARY KEY, study TEXT) WITHOUT ROWID")
            c.execute("BEGIN IMMEDIATE")
            c.executemany("INSERT OR IGNORE INTO there VALUES (?, ?)", ((sop, study) for study, sop in files))
            c.execute(
                "DELETE FROM instances WHERE NOT EXISTS "
                "(SELECT 1 FROM there WHERE there.sop = instances.sop AND there.study = instances.study)"
            )
            c.execute("INSERT OR IGNORE INTO instances SELECT sop, study, '', '', '', 0, '', '' FROM there")
            c.execute("COMMIT")
            c.execute("DROP TABLE there")

    def close(self) -> None:
        """Close the file; the journal is of no use afterwards."""
        with self._writing, self._reading:
            self._db.close()
            self._reader.close()
