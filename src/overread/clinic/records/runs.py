"""Runs and deliveries as the node knows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, insert, select, update

from overread.clinic.records.store import Store, now
from overread.clinic.shown import from_row
from overread.clinic.tables import (
    ENDED,
    RANK,
    Delivery,
    DeliveryState,
    RunRow,
    StudyState,
    deliveries_table,
    runs_table,
    state_of,
    studies_table,
)

NOT_PLAIN = ("state", "prediction", "files", "again", "rank", "shadow")


class Runs(Store):
    """The tables of runs and deliveries."""

    def add_run(self, *, shown: bool = True, **values: Any) -> None:
        """A new run, queued; its study shows it from now on if ``shown``. Nothing happens where the key is known.

        A study that gets several runs shows them once all are there: until then it counts as receiving, and whatever
        ends the node before, the next start sees to the rest.
        """
        when = now()
        with self._write() as c:
            if not c.scalar(select(func.count()).where(runs_table.c.key == values["key"])):
                c.execute(insert(runs_table).values(updated=when, **values))
            if not shown:
                return
            changes = {
                "run": values["key"],
                "runs": json.dumps([values["key"]]),
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
            mine = runs_table.c.key == key
            if state is not StudyState.QUEUED:
                # Whoever still works on a run that a newer one has replaced does not bring it back.
                mine &= runs_table.c.state != StudyState.SUPERSEDED
            c.execute(update(runs_table).where(mine).values(state=state, updated=now(), **values))
            study = c.scalar(select(runs_table.c.study_uid).where(runs_table.c.key == key))
            theirs = (studies_table.c.study_uid == study) & (studies_table.c.state != StudyState.RECEIVING)
            row = c.execute(select(studies_table).where(theirs)).mappings().first()
            if row is not None and key in run_keys(row):
                among = runs_table.c.key.in_(run_keys(row))
                states = [StudyState(s) for s in c.scalars(select(runs_table.c.state).where(among))]
                c.execute(update(studies_table).where(theirs).values(state=state_of(states)))

    def run(self, key: str) -> RunRow | None:
        """A run with its deliveries, or None."""
        found = self._runs(runs_table.c.key == key)
        return found[0] if found else None

    def runs_of(self, study: str) -> list[RunRow]:
        """All runs of a study, also those of earlier revisions, oldest first."""
        return self._runs(runs_table.c.study_uid == study)

    def unfinished(self) -> list[RunRow]:
        """Runs that are not at their end, oldest first."""
        return self._runs(runs_table.c.state.not_in(ENDED) | (runs_table.c.again == 1))

    def dead_letters(self) -> list[RunRow]:
        """Runs that failed and that nothing but a person takes up again, oldest first."""
        return self._runs(runs_table.c.state == StudyState.FAILED)

    def undelivered(self) -> list[Delivery]:
        """Deliveries that are not made, given-up ones too."""
        query = select(deliveries_table).where(deliveries_table.c.state != DeliveryState.DELIVERED)
        with self._read() as c:
            return [_delivery(row) for row in c.execute(query).mappings()]

    def _by_key(self, keys: Sequence[str]) -> dict[str, RunRow]:
        return {r.key: r for r in self._runs(runs_table.c.key.in_(keys))} if keys else {}

    def _runs(self, where: Any) -> list[RunRow]:
        query = select(runs_table).where(where).order_by(runs_table.c.created, runs_table.c.key)
        with self._read() as c:
            rows = c.execute(query).mappings().all()
            keys = [row["key"] for row in rows]
            found = (
                c.execute(select(deliveries_table).where(deliveries_table.c.run.in_(keys))).mappings().all()
            )
        deliveries = [_delivery(row) for row in found]
        priorities = {rank: priority for priority, rank in RANK.items()}
        return [
            RunRow(
                **{k: v for k, v in row.items() if k not in NOT_PLAIN},
                state=StudyState(row["state"]),
                prediction=from_row(json.loads(row["prediction"]) if row["prediction"] else {}),
                files=tuple(json.loads(row["files"])),
                again=bool(row["again"]),
                deliveries=tuple(d for d in deliveries if d.run == row["key"]),
                priority=priorities[row["rank"]],
                shadow=bool(row["shadow"]),
            )
            for row in rows
        ]

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
        if "objects" in values:
            values["objects"] = json.dumps(values["objects"], ensure_ascii=False)
        mine = (deliveries_table.c.run == run) & (deliveries_table.c.destination == destination)
        with self._write() as c:
            c.execute(update(deliveries_table).where(mine).values(state=state, updated=now(), **values))


def run_keys(row: Any) -> list[str]:
    """Keys of the runs of a study's latest revision, from its row."""
    keys = [str(k) for k in json.loads(row["runs"])]
    # An earlier version kept one run for a study, and no list.
    return keys if keys and (not row["run"] or row["run"] in keys) else [row["run"]] if row["run"] else []


def _delivery(row: Any) -> Delivery:
    content = {**row, "state": DeliveryState(row["state"]), "objects": json.loads(row["objects"])}
    return Delivery(**content)
