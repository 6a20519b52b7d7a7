"""Rows of the workflow database, looked at before the library reads them: none may be one that runs code.

What is left out is made again: workflows are begun anew from their files, and a step whose result is not known is done
again and ends the same.
"""

from __future__ import annotations

import logging

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from overread.errors import InputError

PORTABLE = "portable_json"
TABLES = (
    "operation_outputs",
    "notifications",
    "workflow_events",
    "workflow_events_history",
    "streams",
    "workflow_status",
)
"""Tables with a column that names the serializer of a row; the last is what the others belong to."""
VALUES = ("inputs", "output", "error", "value", "message")
log = logging.getLogger(__name__)


def drop_other_serializers(url: str) -> int:
    """Remove, unread, every row that is to be read by anything but plain JSON (pickle runs what it reads).

    An earlier version of the node kept results of steps so; any other such row is of somebody else. How many rows.

    Raises
    ------
    InputError
        The database cannot be opened.
    """
    engine = create_engine(url, poolclass=NullPool)
    schema = None if url.startswith("sqlite") else "dbos"
    gone = 0
    try:
        with engine.begin() as c:
            there = set(inspect(c).get_table_names(schema=schema))
            for table in TABLES:
                if table in there:
                    gone += _drop(c, table, schema)
    except DBAPIError as error:
        name = engine.url.render_as_string(hide_password=True)
        raise InputError(
            f"{name}: the workflow database cannot be opened ({str(error.orig)[:200]})"
        ) from error
    finally:
        engine.dispose()
    if gone:
        log.warning("%d rows of the workflow database are not plain JSON and were removed unread", gone)
    return gone


def _drop(c: Connection, table: str, schema: str | None) -> int:
    columns = {column["name"] for column in inspect(c).get_columns(table, schema=schema)}
    if "serialization" not in columns:
        return 0
    name = f'"{schema}"."{table}"' if schema else f'"{table}"'
    # A row without a serializer's name is read by the default one, unless it holds nothing.
    holds = " OR ".join(f'"{k}" IS NOT NULL' for k in VALUES if k in columns)
    where = f"serialization <> :portable OR (serialization IS NULL AND ({holds}))"
    return c.execute(text(f"DELETE FROM {name} WHERE {where}"), {"portable": PORTABLE}).rowcount
