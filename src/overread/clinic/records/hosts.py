"""Who works on this node's studies, and what a person has asked for.

Several hosts share one PostgreSQL. Each says again and again that it lives, by the database's clock, so that hosts
whose clocks differ agree on who is dead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update

from overread.clinic.records.store import Store, now
from overread.clinic.tables import hosts_table, requests_table


@dataclass(frozen=True)
class Host:
    """One process that works: its executor's name, the machine, and how long ago it was heard of, in seconds."""

    executor: str
    host: str
    role: str
    alive: bool
    silent: float
    started: str


@dataclass(frozen=True)
class Request:
    """What a person asked for, from the page or the command line. ``done`` is empty until it is, or was ``given_up``.

    ``attempts`` that failed otherwise than by what was asked; no further one ``not_before`` (the database's seconds).
    """

    id: int
    kind: str
    subject: str
    detail: str
    made: str
    done: str
    answer: str
    attempts: int = 0
    not_before: float = 0.0
    given_up: bool = False


class Hosts(Store):
    """The tables of hosts and requests."""

    def beat(self, executor: str, host: str, role: str) -> None:
        """This process lives."""
        seen = self.clock()
        mine = hosts_table.c.executor == executor
        with self._write() as c:
            values = {"host": host, "role": role, "alive": 1, "seen": seen}
            if not c.execute(update(hosts_table).where(mine).values(**values)).rowcount:
                c.execute(insert(hosts_table).values(executor=executor, started=now(), **values))

    def leave(self, executor: str) -> None:
        """This process ends in order."""
        with self._write() as c:
            c.execute(delete(hosts_table).where(hosts_table.c.executor == executor))

    def hosts(self) -> list[Host]:
        """All that were ever heard of and did not leave."""
        clock = self.clock()
        with self._read() as c:
            rows = c.execute(select(hosts_table).order_by(hosts_table.c.executor)).mappings().all()
        return [
            Host(
                r["executor"],
                r["host"],
                r["role"],
                bool(r["alive"]),
                max(0.0, clock - r["seen"]),
                r["started"],
            )
            for r in rows
        ]

    def bury(self, executor: str, silent_seconds: float) -> bool:
        """Call a silent host dead. True for the one caller of several that may take over its work."""
        last = self.clock() - silent_seconds
        mine = (hosts_table.c.executor == executor) & (hosts_table.c.alive == 1) & (hosts_table.c.seen < last)
        with self._write() as c:
            return c.execute(update(hosts_table).where(mine).values(alive=0)).rowcount == 1

    def forget(self, executor: str) -> None:
        """The work of a dead host has been taken over."""
        with self._write() as c:
            c.execute(
                delete(hosts_table).where((hosts_table.c.executor == executor) & (hosts_table.c.alive == 0))
            )

    def ask(self, kind: str, subject: str, detail: str = "") -> int:
        """Ask the node that runs, or the next that starts, for something; its number."""
        with self._write() as c:
            made = c.execute(
                insert(requests_table).values(kind=kind, subject=subject, detail=detail, made=now())
            )
            return int(made.inserted_primary_key[0])  # type: ignore[index]

    def asked(self) -> list[Request]:
        """What is to be done now, oldest first."""
        due = (requests_table.c.done == "") & (requests_table.c.not_before <= self.clock())
        return self._requests(due)

    def given_up(self) -> list[Request]:
        """What failed again and again and waits for a person, oldest first."""
        return self._requests(requests_table.c.given_up == 1)

    def postpone(self, number: int, attempts: int, seconds: float, text: str) -> None:
        """A request failed for the ``attempts``. time, for a reason that may pass: try again after ``seconds``."""
        values = {"attempts": attempts, "not_before": self.clock() + seconds, "answer": text}
        with self._write() as c:
            c.execute(update(requests_table).where(requests_table.c.id == number).values(**values))

    def give_up(self, number: int, attempts: int, text: str) -> None:
        """A request is not tried again by itself."""
        values = {"attempts": attempts, "done": now(), "answer": text, "given_up": 1}
        with self._write() as c:
            c.execute(update(requests_table).where(requests_table.c.id == number).values(**values))

    def ask_again(self, number: int) -> bool:
        """Try a request that was given up once more; False where there is none of this number."""
        values = {"attempts": 0, "done": "", "answer": "", "not_before": 0.0, "given_up": 0}
        mine = (requests_table.c.id == number) & (requests_table.c.given_up == 1)
        with self._write() as c:
            return c.execute(update(requests_table).where(mine).values(**values)).rowcount == 1

    def _requests(self, which: Any) -> list[Request]:
        query = select(requests_table).where(which).order_by(requests_table.c.id)
        with self._read() as c:
            return [_request(row) for row in c.execute(query).mappings()]

    def request(self, number: int) -> Request | None:
        """One request, or None."""
        with self._read() as c:
            row = c.execute(select(requests_table).where(requests_table.c.id == number)).mappings().first()
        return _request(row) if row else None

    def answer(self, number: int, text: str) -> None:
        """A request was done, or could not be."""
        with self._write() as c:
            c.execute(
                update(requests_table).where(requests_table.c.id == number).values(done=now(), answer=text)
            )


def _request(row: Any) -> Request:
    return Request(**{**row, "given_up": bool(row["given_up"])})
