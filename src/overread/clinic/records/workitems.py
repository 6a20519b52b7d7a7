"""Workitems of urgent studies, and who performs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select, update

from overread.clinic.records.store import Store, now
from overread.clinic.tables import workitems_table
from overread.clinic.workitem_rows import StepState, Workitem, workitem_uid


class Workitems(Store):
    """The table of workitems."""

    def add_workitem(self, study: str, run: str, label: str, comment: str) -> bool:
        """A workitem for a run, scheduled; False where it has one already, whatever became of it."""
        uid, when = workitem_uid(run), now()
        with self._write() as c:
            if c.execute(select(workitems_table.c.uid).where(workitems_table.c.uid == uid)).first():
                return False
            c.execute(
                insert(workitems_table).values(
                    uid=uid,
                    study_uid=study,
                    run=run,
                    label=label,
                    comment=comment,
                    state=StepState.SCHEDULED,
                    created=when,
                    updated=when,
                )
            )
            return True

    def workitem(self, uid: str) -> Workitem | None:
        """One, or None."""
        found = self._workitems(workitems_table.c.uid == uid, 1)
        return found[0] if found else None

    def workitems(self, states: Sequence[StepState] = (), limit: int = 10_000) -> list[Workitem]:
        """Those in ``states`` (none: in any), the oldest first."""
        where = workitems_table.c.state.in_([str(s) for s in states]) if states else None
        return self._workitems(where, limit)

    def change_workitem(self, uid: str, before: StepState, state: StepState, **values: Any) -> bool:
        """From one state to another, in one step; False where it was no longer in ``before``: another was faster."""
        mine = (workitems_table.c.uid == uid) & (workitems_table.c.state == before)
        with self._write() as c:
            changed = c.execute(
                update(workitems_table).where(mine).values(state=state, updated=now(), **values)
            )
            return changed.rowcount == 1

    def _workitems(self, where: Any, limit: int) -> list[Workitem]:
        query = select(workitems_table).order_by(workitems_table.c.created, workitems_table.c.uid)
        if where is not None:
            query = query.where(where)
        with self._read() as c:
            rows = c.execute(query.limit(limit)).mappings().all()
        return [Workitem(**{**row, "state": StepState(row["state"])}) for row in rows]
