"""Studies as the node knows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update

from overread.clinic.records.runs import Runs, run_keys
from overread.clinic.records.store import now
from overread.clinic.tables import (
    RANK,
    Aside,
    Priority,
    RunRow,
    StudyRow,
    StudyState,
    deliveries_table,
    runs_table,
    state_of,
    studies_table,
    workitems_table,
)

PRIORITIES = {rank: priority for priority, rank in RANK.items()}
NOT_SHOWN = ("run", "runs", "state", "virtual", "aside", "rank")


class Studies(Runs):
    """The table of studies."""

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
        """State and other columns of a study; ``aside`` and ``runs`` as sequences."""
        if "aside" in values:
            values["aside"] = json.dumps([asdict(a) for a in values["aside"]], ensure_ascii=False)
        if "runs" in values:
            values["runs"] = json.dumps(list(values["runs"]))
        with self._write() as c:
            c.execute(
                update(studies_table).where(studies_table.c.study_uid == study).values(state=state, **values)
            )

    def raise_study(self, study: str, priority: Priority, reason: str) -> bool:
        """Raise a study, never lower it; True where it was lower before."""
        rank = RANK[priority]
        with self._write() as c:
            lower = (studies_table.c.study_uid == study) & (studies_table.c.rank > rank)
            return bool(
                c.execute(update(studies_table).where(lower).values(rank=rank, urgent_reason=reason)).rowcount
            )

    def remove(self, study: str) -> None:
        """Forget a study with its runs and deliveries."""
        with self._write() as c:
            keys = list(c.scalars(select(runs_table.c.key).where(runs_table.c.study_uid == study)))
            c.execute(delete(deliveries_table).where(deliveries_table.c.run.in_(keys)))
            c.execute(delete(runs_table).where(runs_table.c.study_uid == study))
            c.execute(delete(workitems_table).where(workitems_table.c.study_uid == study))
            c.execute(delete(studies_table).where(studies_table.c.study_uid == study))

    def study(self, study: str) -> StudyRow | None:
        """A study with its latest runs, or None."""
        found = self._studies(studies_table.c.study_uid == study, limit=1)
        return found[0] if found else None

    def study_uids(self) -> list[str]:
        """Study Instance UIDs of all studies that are known, the latest first."""
        query = select(studies_table.c.study_uid).order_by(studies_table.c.last_received.desc())
        with self._read() as c:
            return [str(uid) for (uid,) in c.execute(query)]

    def studies(
        self, limit: int = 200, offset: int = 0, search: str = "", states: Sequence[StudyState] = ()
    ) -> list[StudyRow]:
        """By priority, then the latest first; ``search`` in patient, description, accession number and UID."""
        return self._studies(_where(search, states), limit, offset)

    def count(self, search: str = "", states: Sequence[StudyState] = ()) -> int:
        """How many studies `studies` would go through."""
        query = select(func.count()).select_from(studies_table)
        where = _where(search, states)
        with self._read() as c:
            return int(c.scalar(query if where is None else query.where(where)) or 0)

    def _studies(self, where: Any, limit: int, offset: int = 0) -> list[StudyRow]:
        query = select(studies_table).order_by(
            studies_table.c.rank, studies_table.c.last_received.desc(), studies_table.c.study_uid
        )
        if where is not None:
            query = query.where(where)
        with self._read() as c:
            rows = c.execute(query.limit(limit).offset(offset)).mappings().all()
        runs = self._by_key([key for row in rows for key in run_keys(row)])
        return [_study(row, tuple(runs[k] for k in run_keys(row) if k in runs)) for row in rows]


def _where(search: str, states: Sequence[StudyState]) -> Any:
    where: Any = None
    if search:
        escaped = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        c = studies_table.c
        columns = (c.patient_id, c.patient_name, c.description, c.accession, c.study_uid, c.modalities)
        where = or_(*(column.ilike(f"%{escaped}%", escape="\\") for column in columns))
    if states:
        among = studies_table.c.state.in_([str(s) for s in states])
        where = among if where is None else where & among
    return where


def _study(row: Any, runs: tuple[RunRow, ...]) -> StudyRow:
    state = StudyState(row["state"])
    if state is not StudyState.RECEIVING:
        state = state_of([r.state for r in runs]) or state
    plain = {k: v for k, v in row.items() if k not in NOT_SHOWN}
    return StudyRow(
        **plain,
        state=state,
        virtual=bool(row["virtual"]),
        run=runs[0] if runs else None,
        runs=runs,
        aside=tuple(Aside(**a) for a in json.loads(row["aside"])),
        priority=PRIORITIES[row["rank"]],
    )
