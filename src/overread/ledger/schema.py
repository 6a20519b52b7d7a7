"""Tables and triggers of the ledger, for SQLite and PostgreSQL.

Two tables: the events, and one head row that holds how many there are and the hash of the last. The
head moves in the same transaction as each event, so that removal of the last events is found too. The
triggers refuse every change but the addition of the next event.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, Text, inspect, text

from overread.files import canonical_json, sha256_bytes

GENESIS = "0" * 64
LOCK_KEY = 0x6F766572  # any constant: it keeps two processes from making the same tables at once

metadata = MetaData()
events_table = Table(
    "ledger_events",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("time", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False, unique=True),
)
head_table = Table(
    "ledger_head",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("count", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)

# SQLite's INSERT OR REPLACE deletes without firing DELETE triggers: the insert trigger stops it instead.
_SQLITE = [
    """CREATE TRIGGER ledger_events_next BEFORE INSERT ON ledger_events
        WHEN NOT EXISTS (SELECT 1 FROM ledger_head WHERE count + 1 = NEW.seq AND hash = NEW.previous)
        BEGIN SELECT RAISE(ABORT, 'ledger: only the next event of the chain can be added'); END""",
    *(
        f"""CREATE TRIGGER ledger_events_no_{verb.lower()} BEFORE {verb} ON ledger_events
        BEGIN SELECT RAISE(ABORT, 'ledger: events are never changed or removed'); END"""
        for verb in ("UPDATE", "DELETE")
    ),
    f"""CREATE TRIGGER ledger_head_once BEFORE INSERT ON ledger_head
        WHEN NEW.id <> 1 OR NEW.count <> 0 OR NEW.hash <> '{GENESIS}' OR EXISTS (SELECT 1 FROM ledger_head)
        BEGIN SELECT RAISE(ABORT, 'ledger: there is one head'); END""",
    """CREATE TRIGGER ledger_head_forward BEFORE UPDATE ON ledger_head
        WHEN NEW.id <> OLD.id OR NEW.count <> OLD.count + 1
          OR NOT EXISTS (SELECT 1 FROM ledger_events WHERE seq = NEW.count AND hash = NEW.hash)
        BEGIN SELECT RAISE(ABORT, 'ledger: the head only moves to the next event'); END""",
    """CREATE TRIGGER ledger_head_no_delete BEFORE DELETE ON ledger_head
        BEGIN SELECT RAISE(ABORT, 'ledger: the head is never removed'); END""",
]

_POSTGRESQL = [
    """CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql
       SET search_path FROM CURRENT AS $$
       BEGIN RAISE EXCEPTION 'ledger: events and head are never changed or removed'; END $$""",
    """CREATE FUNCTION ledger_next() RETURNS trigger LANGUAGE plpgsql
       SET search_path FROM CURRENT AS $$
       BEGIN
         IF NOT EXISTS (SELECT 1 FROM ledger_head WHERE count + 1 = NEW.seq AND hash = NEW.previous) THEN
           RAISE EXCEPTION 'ledger: only the next event of the chain can be added';
         END IF;
         RETURN NEW;
       END $$""",
    """CREATE FUNCTION ledger_forward() RETURNS trigger LANGUAGE plpgsql
       SET search_path FROM CURRENT AS $$
       BEGIN
         IF NEW.id <> OLD.id OR NEW.count <> OLD.count + 1
            OR NOT EXISTS (SELECT 1 FROM ledger_events WHERE seq = NEW.count AND hash = NEW.hash) THEN
           RAISE EXCEPTION 'ledger: the head only moves to the next event';
         END IF;
         RETURN NEW;
       END $$""",
    f"""CREATE FUNCTION ledger_once() RETURNS trigger LANGUAGE plpgsql
       SET search_path FROM CURRENT AS $$
       BEGIN
         IF NEW.id <> 1 OR NEW.count <> 0 OR NEW.hash <> '{GENESIS}'
            OR EXISTS (SELECT 1 FROM ledger_head) THEN
           RAISE EXCEPTION 'ledger: there is one head';
         END IF;
         RETURN NEW;
       END $$""",
    """CREATE TRIGGER ledger_events_next BEFORE INSERT ON ledger_events
       FOR EACH ROW EXECUTE FUNCTION ledger_next()""",
    """CREATE TRIGGER ledger_events_fixed BEFORE UPDATE OR DELETE ON ledger_events
       FOR EACH ROW EXECUTE FUNCTION ledger_refuse()""",
    """CREATE TRIGGER ledger_events_kept BEFORE TRUNCATE ON ledger_events
       FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()""",
    """CREATE TRIGGER ledger_head_once BEFORE INSERT ON ledger_head
       FOR EACH ROW EXECUTE FUNCTION ledger_once()""",
    """CREATE TRIGGER ledger_head_forward BEFORE UPDATE ON ledger_head
       FOR EACH ROW EXECUTE FUNCTION ledger_forward()""",
    """CREATE TRIGGER ledger_head_fixed BEFORE DELETE ON ledger_head
       FOR EACH ROW EXECUTE FUNCTION ledger_refuse()""",
    """CREATE TRIGGER ledger_head_kept BEFORE TRUNCATE ON ledger_head
       FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()""",
]
_TRIGGERS = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}


def is_ledger(connection: Connection) -> bool:
    """Whether the database has the ledger's event table."""
    return inspect(connection).has_table(events_table.name)


def create_schema(connection: Connection) -> None:
    """Make tables, triggers and the head of an empty chain, inside the caller's write transaction.

    A database that already has the event table is left exactly as it is: a head that went missing is
    evidence, not something to repair.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
    if is_ledger(connection):
        return
    metadata.create_all(connection, checkfirst=False)
    for statement in _TRIGGERS[connection.dialect.name]:
        connection.exec_driver_sql(statement)
    connection.execute(head_table.insert().values(id=1, count=0, hash=GENESIS))


def event_hash(seq: int, time: str, actor: str, kind: str, payload: str, previous: str) -> str:
    """Hexadecimal SHA-256 over the canonical JSON of ``[seq, time, actor, kind, payload, previous]``."""
    return sha256_bytes(canonical_json([seq, time, actor, kind, payload, previous]).encode())
