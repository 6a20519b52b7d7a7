"""The journal of the spool: one row for each instance that is kept, so that a UID is found without looking for files.

The files are the truth. A row is known before success is answered and written soon after; at every start the journal is
held against the folders, so that nothing depends on its last rows having reached the disk.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

GATHER_SECONDS = 0.02
MOST_PENDING = 1000
"""Rows that may wait to be written; whoever brings one more writes them."""
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


class Journal:
    """Rows in an SQLite file; safe to share between threads of one process.

    A new row is known at once and written soon, with those that come meanwhile: a transaction for each would be a
    quarter of what a small instance costs. A process that ends in between loses nothing, for `reconcile` makes the row
    again from its file.
    """

    def __init__(self, path: Path) -> None:
        self._reading, self._writing, self._collecting = threading.Lock(), threading.Lock(), threading.Lock()
        self._pending: dict[str, Entry] = {}
        self._flushing = False
        self._failed = False
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
        with self._collecting:
            if sop in self._pending:
                return self._pending[sop]
        with self._reading:
            row = self._reader.execute("SELECT * FROM instances WHERE sop = ?", (sop,)).fetchone()
        return Entry(*row) if row else None

    def add(self, entry: Entry) -> None:
        """A row, replaced where the UID is known. Raises sqlite3.Error where rows cannot be written."""
        with self._collecting:
            self._pending[entry.sop] = entry
            now_or_never = self._failed or len(self._pending) > MOST_PENDING
            begins = not self._flushing and not now_or_never
            self._flushing = self._flushing or begins
        if begins:
            threading.Thread(target=self._flush_soon, name="journal", daemon=True).start()
        elif now_or_never:
            try:
                self.flush()
            except sqlite3.Error:
                with self._collecting:
                    self._pending.pop(entry.sop, None)
                raise

    def flush(self) -> None:
        """Write what is not written yet. Raises sqlite3.Error where that cannot be done; it is kept and tried again."""
        with self._writing:
            with self._collecting:
                rows = list(self._pending.values())
            try:
                if rows:
                    self._write(rows)
            except sqlite3.Error:
                self._failed = True
                raise
            with self._collecting:
                for row in rows:
                    if self._pending.get(row.sop) is row:
                        del self._pending[row.sop]
                self._failed = False

    def _flush_soon(self) -> None:
        while True:
            time.sleep(GATHER_SECONDS)
            # Whoever adds the next row writes all of them itself, and meets the error.
            with contextlib.suppress(sqlite3.Error):
                self.flush()
            with self._collecting:
                if not self._pending or self._failed:
                    self._flushing = False
                    return

    def _write(self, rows: Sequence[Entry]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany("INSERT OR REPLACE INTO instances VALUES (?,?,?,?,?,?,?,?)", rows)
            self._db.execute("COMMIT")
        except sqlite3.Error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def remove(self, sop: str) -> None:
        """No row for this UID any more."""
        with self._writing:
            with self._collecting:
                self._pending.pop(sop, None)
            self._db.execute("DELETE FROM instances WHERE sop = ?", (sop,))

    def study(self, study: str) -> list[Entry]:
        """Rows of a study, by UID."""
        self.flush()
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
        """Write the rest and close the file; the journal is of no use afterwards."""
        with contextlib.suppress(sqlite3.Error):
            self.flush()
        with self._writing, self._reading:
            self._db.close()
            self._reader.close()
