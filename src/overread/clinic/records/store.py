"""The node's database: a SQLite file for one process, PostgreSQL for several hosts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from overread.clinic.tables import metadata
from overread.errors import InputError

BUSY_SECONDS = 30
# A restart of the database server is over within this; what waits for it goes on as if nothing had been.
PATIENCE_SECONDS = 120.0
LONGEST_PAUSE_SECONDS = 2.0
log = logging.getLogger(__name__)


def now() -> str:
    """The time in UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Store:
    """An engine, its tables brought up to date, and transactions that outlast a restart of the server.

    Parameters
    ----------
    where
        A SQLite file or a database URL such as ``postgresql+psycopg://USER@HOST/DATABASE``.

    Raises
    ------
    InputError
        The database cannot be opened: one line that says which and why.
    """

    def __init__(self, where: Path | str) -> None:
        self._file = isinstance(where, Path) or "://" not in str(where)
        if self._file:
            Path(where).parent.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{where}" if self._file else str(where)
        connect = {"timeout": BUSY_SECONDS} if self._file else {"connect_timeout": BUSY_SECONDS}
        try:
            self._engine = create_engine(url, poolclass=NullPool, connect_args=connect)
            # Writers queue here rather than at SQLite's lock, where a reader that begins to write fails at once.
            self._writing: Any = threading.Lock() if self._file else nullcontext()
            event.listen(self._engine, "before_cursor_execute", _storable, retval=True)
            if self._file:
                event.listen(self._engine, "connect", _sqlite_settings)
            with self._writing, self._engine.begin() as connection:
                if not self._file:
                    # Hosts that start at once make the tables one after the other.
                    connection.execute(text("SELECT pg_advisory_xact_lock(7391)"))
                metadata.create_all(connection)
                add_missing_columns(connection)
        except (DBAPIError, ImportError) as error:
            raise InputError(
                f"{self.url(url)}: the node's database cannot be opened ({_brief(error)})"
            ) from error

    @staticmethod
    def url(url: str) -> str:
        """A database URL without its password."""
        return make_url(url).render_as_string(hide_password=True)

    @property
    def engine(self) -> Engine:
        """For what reads tables of its own."""
        return self._engine

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._writing, self._connected() as connection, connection.begin():
            yield connection

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with self._connected() as connection:
            yield connection

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """A connection; while the server restarts, it is waited for."""
        begun, pause = time.monotonic(), 0.1
        while True:
            try:
                connection = self._engine.connect()
                break
            except OperationalError:
                if self._file or time.monotonic() - begun > PATIENCE_SECONDS:
                    raise
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        with connection:
            yield connection

    def clock(self) -> float:
        """Seconds of the database's own clock, the one that several hosts share."""
        query = (
            "SELECT (julianday('now') - 2440587.5) * 86400.0"
            if self._file
            else "SELECT extract(epoch FROM now())"
        )
        with self._read() as c:
            return float(c.scalar(text(query)) or 0.0)

    def answers(self) -> str:
        """Empty where the database answers, or why it does not."""
        try:
            with self._engine.connect() as c:
                c.execute(text("SELECT 1"))
        except DBAPIError as error:
            return _brief(error)
        return ""


def add_missing_columns(connection: Connection) -> None:
    """Give tables that an earlier version made the columns that came since, with their defaults."""
    found = inspect(connection)
    quote = connection.dialect.identifier_preparer.quote
    for table in metadata.sorted_tables:
        there = {c["name"] for c in found.get_columns(table.name)}
        for column in table.columns:
            if column.name in there:
                continue
            default = getattr(column.default, "arg", "")
            kind = column.type.compile(connection.dialect)
            value = f"'{default}'" if isinstance(default, str) else str(default)
            connection.execute(
                text(
                    f"ALTER TABLE {quote(table.name)} ADD COLUMN {quote(column.name)} {kind} NOT NULL DEFAULT {value}"
                )
            )
            log.info("table %s: column %s added", table.name, column.name)


def _storable(
    connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
) -> tuple[str, Any]:
    """What peers put into titles and headers may hold what a database refuses: PostgreSQL no NUL, both no surrogate.

    A study would be stuck for ever over such a character.
    """
    return statement, [_plain(p) for p in parameters] if many else _plain(parameters)


def _plain(parameters: Any) -> Any:
    if isinstance(parameters, dict):
        return {k: storable(v) for k, v in parameters.items()}
    return tuple(storable(v) for v in parameters)


def storable(value: Any) -> Any:
    """A text without NUL and surrogates; any other value as it is."""
    if type(value) is not str or (value.isascii() and "\0" not in value):
        return value
    return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _sqlite_settings(connection: Any, record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def _brief(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return " ".join(str(cause).split())[:200]
