"""Ledger: every event, chained by hash, in SQLite or PostgreSQL.

Patient data never goes into the ledger: rows cannot be removed, so nobody could honour a request to
erase them. Payloads name things by hash, by pseudonym or by count.
"""

from __future__ import annotations

import getpass
import json
import os
import sqlite3
import time as clock
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from overread.commands import command
from overread.errors import InputError, OverreadError
from overread.files import canonical_json
from overread.ledger.artefacts import store_artefact
from overread.ledger.read_only import for_reading
from overread.ledger.schema import create_schema, event_hash, events_table, head_table, is_ledger
from overread.ledger.verify import Row, Verification, verify_rows

LOCK_WAIT_SECONDS = 60


@dataclass(frozen=True)
class Event:
    """One row of the ledger. ``payload`` is the stored canonical JSON text, ``data`` what it says."""

    seq: int
    time: str
    actor: str
    kind: str
    payload: str
    previous: str
    hash: str

    @property
    def data(self) -> dict[str, Any]:
        """The payload, parsed."""
        content: dict[str, Any] = json.loads(self.payload)
        return content


class Ledger:
    """Append-only events, each holding the hash of the one before. Safe to share between threads.

    Several processes may append to one ledger: a write lock (SQLite) or a lock on the head row
    (PostgreSQL) lets one in at a time, and an event and the head move in one transaction.
    """

    def __init__(self, engine: Engine, url: URL | None = None) -> None:
        self._engine = engine
        self._url = url if url is not None else engine.url

    @property
    def url(self) -> str:
        """Where it is, without a password."""
        return self._url.render_as_string(hide_password=True)

    @property
    def _verify(self) -> str:
        return command("ledger", "verify", self._url.database or "" if self._is_file else self.url)

    @property
    def _is_file(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    @classmethod
    def open(cls, url_or_path: str | Path, create: bool = True) -> Ledger:
        """Open the ledger in a SQLite file or at a database URL.

        Parameters
        ----------
        url_or_path
            A file path, ``sqlite:///PATH`` or ``postgresql+psycopg://USER@HOST/DATABASE``.
        create
            Make it where it does not exist. With False nothing is written, and a SQLite file may lie on a medium
            that cannot be written.

        Raises
        ------
        InputError
            Unknown kind of database, no driver, no connection; a file that is not a database; with
            ``create=False`` also one without a ledger.
        """
        url = ledger_url(url_or_path)
        shown = url.render_as_string(hide_password=True)
        if url.get_backend_name() == "sqlite" and not create and not Path(url.database or "").is_file():
            raise InputError(f"{url.database}: no such ledger; expected the file that an earlier stage wrote")
        try:
            engine = _engine(url if create else for_reading(url))
            ledger = cls(engine, url)
            if create:
                if url.get_backend_name() == "sqlite":
                    Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
                    _switch_to_wal(engine)
                with ledger._transaction(write=True) as connection:
                    create_schema(connection)
            else:
                with ledger._transaction() as connection:
                    if not is_ledger(connection):
                        raise InputError(f"{shown}: holds no ledger; expected a database written by overread")
        except ModuleNotFoundError as error:
            raise InputError(f"{shown}: needs {error.name}; install overread[postgres]") from error
        except (DBAPIError, sqlite3.Error, OSError) as error:
            raise InputError(f"{shown}: cannot be opened as a ledger ({_reason(error)})") from error
        return ledger

    def append(self, kind: str, payload: dict[str, Any], actor: str | None = None) -> Event:
        """Add one event and return it once it is on disk.

        Parameters
        ----------
        kind
            What happened, such as ``train`` or ``test.opened``.
        payload
            JSON-serialisable facts: hashes, counts, settings; no patient data.
        actor
            Who did it; by default the name of the operating system's user.

        Raises
        ------
        ValueError, TypeError
            Empty ``kind`` or ``actor``, control characters in them, or a payload that is not JSON.
        OverreadError
            The database refused, or the chain's end does not match its head, so that nothing may be added.
        """
        actor = actor if actor is not None else current_actor()
        text = canonical_json(payload)
        if not isinstance(payload, dict):
            raise TypeError(f"payload is {type(payload).__name__}, expected a dict")
        for name, value in (("kind", kind), ("actor", actor)):
            if not value or not value.isprintable():
                raise ValueError(f"{name} is {value!r}, expected printable text")
        "".join((kind, actor, text)).encode()  # lone surrogates cannot be stored: fail before the lock
        try:
            with self._transaction(write=True) as connection:
                head = connection.execute(select(head_table).with_for_update()).one_or_none()
                if head is None:
                    raise OverreadError(f"{self.url}: the ledger's head is missing; run {self._verify}")
                _, count, previous = head
                seq, now = count + 1, datetime.now(UTC).isoformat(timespec="microseconds")
                digest = event_hash(seq, now, actor, kind, text, previous)
                row = Event(seq, now, actor, kind, text, previous, digest)
                connection.execute(events_table.insert().values(**vars(row)))
                connection.execute(head_table.update().values(count=seq, hash=digest))
        except DBAPIError as error:
            raise OverreadError(
                f"{self.url}: the event was not added ({_reason(error)}); run {self._verify}"
            ) from error
        return row

    def events(self, kind: str | None = None, *, after: int = 0, limit: int | None = None) -> list[Event]:
        """Events, oldest first: all, or only those of one ``kind``, those ``after`` a number, at most ``limit``."""
        query = select(events_table).where(events_table.c.seq > after).order_by(events_table.c.seq)
        if kind is not None:
            query = query.where(events_table.c.kind == kind)
        if limit is not None:
            query = query.limit(limit)
        with self._transaction() as connection:
            return [Event(*row) for row in connection.execute(query)]

    def head(self) -> str:
        """Hash of the last event; 64 zeros in an empty ledger. Note it elsewhere: it seals all before it."""
        with self._transaction() as connection:
            found = connection.execute(select(head_table.c.hash)).scalar_one_or_none()
        if found is None:
            raise OverreadError(f"{self.url}: the ledger's head is missing; run {self._verify}")
        return str(found)

    def verify(self, known_head: str | None = None) -> Verification:
        """Recompute the whole chain and name the first row at which it breaks, and how.

        ``known_head`` is a head hash noted earlier outside this database: it must still be in the chain,
        which also finds a history that was rewritten from some row on with every hash made anew.
        """
        with self._transaction() as connection:
            rows = [
                Row(*row) for row in connection.execute(select(events_table).order_by(events_table.c.seq))
            ]
            head = connection.execute(select(head_table.c.count, head_table.c.hash)).all()
        return verify_rows(rows, [(count, digest) for count, digest in head], known_head)

    def store(self, path: str | Path) -> str:
        """Keep a copy of a file beside the SQLite ledger under its SHA-256, and return that hash.

        Raises
        ------
        OverreadError
            The ledger is not a file, so that there is no folder beside it.
        InputError
            The file cannot be read.
        """
        if not self._is_file:
            raise OverreadError(f"{self.url}: artefacts are kept beside a SQLite ledger only")
        return store_artefact(Path(self._url.database or "").parent / "artefacts", Path(path))

    @contextmanager
    def _transaction(self, write: bool = False) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            if write:
                connection = connection.execution_options(ledger_write=True)
            elif self._engine.dialect.name == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection


def current_actor() -> str:
    """Name of the operating system's user, or its number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def ledger_url(url_or_path: str | Path) -> URL:
    """Database URL of a path or URL. Raises InputError for anything but SQLite files and PostgreSQL."""
    if isinstance(url_or_path, Path) or "://" not in url_or_path:
        return URL.create("sqlite", database=str(url_or_path))
    try:
        url = make_url(url_or_path)
        backend = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError) as error:
        raise InputError(
            f"not a database URL ({error}); expected sqlite:///PATH or postgresql+psycopg://..."
        ) from error
    if backend not in ("sqlite", "postgresql"):
        raise InputError(
            f"{backend}: no such ledger database; expected sqlite:///PATH or postgresql+psycopg://..."
        )
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if not url.database or url.database == ":memory:":
        raise InputError("a ledger in memory would be lost; expected sqlite:///PATH")
    return url


def _reason(error: Exception) -> str:
    """The database's own first line, without SQLAlchemy's wrapping."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return str(original).strip().split("\n")[0]


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        return create_engine(url, poolclass=NullPool)
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": LOCK_WAIT_SECONDS})

    # The driver's own transaction handling would begin late and deferred: two writers could then both read
    # the head before either locks.
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        # Text that is not UTF-8 can only come from tampering: let it through to verify, which names its row.
        connection.text_factory = lambda stored: stored.decode("utf-8", "surrogateescape")
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("ledger_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _switch_to_wal(engine: Engine) -> None:
    """Set write-ahead logging once per file; SQLite does not wait for other openers here, so we do."""
    deadline = clock.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            with closing(engine.raw_connection()) as raw:
                raw.cursor().execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or clock.monotonic() > deadline:
                raise
            clock.sleep(0.02)
