"""What the node knows about studies, runs and deliveries: an index for people and for the next step.

The truth is in files (spool, results); this database can be made again from them. Losing it costs at most a
second delivery of the same objects under the same UIDs.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, func, insert, select, update
from sqlalchemy.pool import NullPool

from overread.clinic.shown import from_row
from overread.clinic.tables import (
    Delivery,
    DeliveryState,
    RunRow,
    StudyRow,
    StudyState,
    deliveries_table,
    metadata,
    runs_table,
    studies_table,
)

BUSY_SECONDS = 30


def now() -> str:
    """The time in UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class State:
    """The node's database, in a SQLite file; safe to share between threads of one process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._engine = create_engine(
            f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": BUSY_SECONDS}
        )
        # Writers queue here rather than at SQLite's lock, where a reader that begins to write fails at once.
        self._writing = threading.Lock()

        @event.listens_for(self._engine, "connect")
        def _settings(connection: Any, record: Any) -> None:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")

        with self._write() as connection:
            metadata.create_all(connection)

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._writing, self._engine.begin() as connection:
            yield connection

    # Studies

    def arrived(self, study: str, instances: int, sender: str, descriptors: dict[str, Any] | None) -> bool:
        """Instances came; True where the study is new. ``descriptors``: columns read from an instance."""
        when = now()
        with self._write() as c:
            known = c.scalar(select(func.count()).where(studies_table.c.study_uid == study))
            values: dict[str, Any] = {
                "state": StudyState.RECEIVING,
                "instances": instances,
                "sender": sender,
                "last_received": when,
                "error": "",
                **(descriptors or {}),
            }
            if known:
                c.execute(update(studies_table).where(studies_table.c.study_uid == study).values(**values))
            else:
                c.execute(insert(studies_table).values(study_uid=study, first_received=when, **values))
            return not known

    def set_study(self, study: str, state: StudyState, **values: Any) -> None:
        """State and other columns of a study."""
        with self._write() as c:
            c.execute(
                update(studies_table).where(studies_table.c.study_uid == study).values(state=state, **values)
            )

    def study(self, study: str) -> StudyRow | None:
        """A study with its latest run, or None."""
        found = self._studies(studies_table.c.study_uid == study, limit=1)
        return found[0] if found else None

    def studies(self, limit: int = 200) -> list[StudyRow]:
        """The latest studies first."""
        return self._studies(None, limit)

    def _studies(self, where: Any, limit: int) -> list[StudyRow]:
        query = select(studies_table).order_by(
            studies_table.c.last_received.desc(), studies_table.c.study_uid
        )
        if where is not None:
            query = query.where(where)
        with self._engine.connect() as c:
            rows = c.execute(query.limit(limit)).mappings().all()
        runs = {
            r.key: r for r in self._runs(runs_table.c.key.in_([row["run"] for row in rows if row["run"]]))
        }
        return [_study(row, runs.get(row["run"])) for row in rows]

    # Runs

    def add_run(self, **values: Any) -> None:
        """A new run, queued; its study shows it from now on. Nothing happens where the key is known."""
        when = now()
        with self._write() as c:
            if not c.scalar(select(func.count()).where(runs_table.c.key == values["key"])):
                c.execute(insert(runs_table).values(updated=when, **values))
            changes = {
                "run": values["key"],
                "state": values["state"],
                "sops_sha256": values["sops_sha256"],
                "error": "",
            }
            c.execute(
                update(studies_table)
                .where(studies_table.c.study_uid == values["study_uid"])
                .values(**changes)
            )

    def set_run(self, key: str, state: StudyState, **values: Any) -> None:
        """State and other columns of a run; its study follows, unless newer instances are coming in."""
        for name in ("prediction", "files"):
            if name in values:
                values[name] = json.dumps(values[name], ensure_ascii=False)
        with self._write() as c:
            c.execute(
                update(runs_table).where(runs_table.c.key == key).values(state=state, updated=now(), **values)
            )
            follows = (studies_table.c.run == key) & (studies_table.c.state != StudyState.RECEIVING)
            c.execute(update(studies_table).where(follows).values(state=state))

    def run(self, key: str) -> RunRow | None:
        """A run with its deliveries, or None."""
        found = self._runs(runs_table.c.key == key)
        return found[0] if found else None

    def unfinished(self) -> list[RunRow]:
        """Runs that are not at their end, oldest first."""
        ended = (StudyState.DELIVERED, StudyState.FAILED)
        return self._runs(runs_table.c.state.not_in(ended) | (runs_table.c.again == 1))

    def undelivered(self) -> list[Delivery]:
        """Deliveries that are not made, given-up ones too."""
        query = select(deliveries_table).where(deliveries_table.c.state != DeliveryState.DELIVERED)
        with self._engine.connect() as c:
            return [_delivery(row) for row in c.execute(query).mappings()]

    def _runs(self, where: Any) -> list[RunRow]:
        query = select(runs_table).where(where).order_by(runs_table.c.created, runs_table.c.key)
        with self._engine.connect() as c:
            rows = c.execute(query).mappings().all()
            keys = [row["key"] for row in rows]
            found = (
                c.execute(select(deliveries_table).where(deliveries_table.c.run.in_(keys))).mappings().all()
            )
        deliveries = [_delivery(row) for row in found]
        return [
            RunRow(
                **{k: v for k, v in row.items() if k not in ("state", "prediction", "files", "again")},
                state=StudyState(row["state"]),
                prediction=from_row(json.loads(row["prediction"]) if row["prediction"] else {}),
                files=tuple(json.loads(row["files"])),
                again=bool(row["again"]),
                deliveries=tuple(d for d in deliveries if d.run == row["key"]),
            )
            for row in rows
        ]

    # Deliveries

    def delivery(self, run: str, destination: str) -> Delivery:
        """A delivery, made as waiting where it is new."""
        table = deliveries_table
        mine = (table.c.run == run) & (table.c.destination == destination)
        with self._write() as c:
            row = c.execute(select(table).where(mine)).mappings().first()
            if row is None:
                c.execute(
                    insert(table).values(
                        run=run, destination=destination, state=DeliveryState.WAITING, updated=now()
                    )
                )
                row = c.execute(select(table).where(mine)).mappings().one()
        return _delivery(row)

    def set_delivery(self, run: str, destination: str, state: DeliveryState, **values: Any) -> None:
        """State and other columns of a delivery."""
        mine = (deliveries_table.c.run == run) & (deliveries_table.c.destination == destination)
        with self._write() as c:
            c.execute(update(deliveries_table).where(mine).values(state=state, updated=now(), **values))


def _study(row: Any, run: RunRow | None) -> StudyRow:
    state = StudyState(row["state"])
    if run is not None and state is not StudyState.RECEIVING:
        state = run.state
    plain = {k: v for k, v in row.items() if k not in ("run", "state", "virtual")}
    return StudyRow(**plain, state=state, virtual=bool(row["virtual"]), run=run)


def _delivery(row: Any) -> Delivery:
    return Delivery(**{**row, "state": DeliveryState(row["state"])})
