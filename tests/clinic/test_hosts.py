"""Several processes and hosts on one database: who is dead, who takes over, and that a server may restart."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text, update
from sqlalchemy.exc import OperationalError
from tests.clinic.site import CEILING_SECONDS, Archive, Site, wait_for, write_series
from tests.ledger.conftest import postgres, postgres_url

from overread.clinic.config_parts import Work
from overread.clinic.hosts import Membership
from overread.clinic.state import State
from overread.clinic.tables import StudyState, hosts_table
from overread.clinic.workflow_rows import drop_other_serializers

HERE = Path(__file__).parent
__all__ = ["postgres", "postgres_url"]


def silent(state: State, executor: str, seconds: float) -> None:
    with state.engine.begin() as c:
        seen = state.clock() - seconds
        c.execute(update(hosts_table).where(hosts_table.c.executor == executor).values(seen=seen))


def member(state: State, name: str, taken: list[str]) -> Membership:
    def take_over(executor: str) -> list[str]:
        taken.append(f"{name} from {executor}")
        return ["w"]

    return Membership(state, name, "h", "worker", Work(take_over_seconds=60), take_over)


def test_the_work_of_a_silent_host_is_taken_over_once(tmp_path: Path) -> None:
    state, taken = State(tmp_path / "clinic.db"), list[str]()
    for name in "abc":
        state.beat(name, "h", "worker")
    a, b = member(state, "a", taken), member(state, "b", taken)
    assert a.sweep() == b.sweep() == []
    silent(state, "c", 61)
    assert a.sweep() == ["w"]
    assert b.sweep() == []
    assert taken == ["a from c"]
    assert [h.executor for h in state.hosts()] == ["a", "b"]
    state.beat("c", "h", "worker")
    assert len(state.hosts()) == 3, "it was only slow: it is one of them again"


def test_a_taker_that_dies_in_between_is_followed_by_another(tmp_path: Path) -> None:
    state, taken = State(tmp_path / "clinic.db"), list[str]()
    for name in "abc":
        state.beat(name, "h", "worker")
    silent(state, "c", 61)
    assert state.bury("c", 60)
    assert not state.bury("c", 60)
    assert member(state, "b", taken).sweep() == ["w"]


def test_requests_are_done_once_and_in_order(tmp_path: Path) -> None:
    state = State(tmp_path / "clinic.db")
    first, second = state.ask("rerun", "1.2"), state.ask("delete", "1.3", "why")
    assert [(r.id, r.kind, r.subject, r.detail) for r in state.asked()] == [
        (first, "rerun", "1.2", ""),
        (second, "delete", "1.3", "why"),
    ]
    state.answer(first, "done")
    assert [r.id for r in state.asked()] == [second]


def test_rows_of_another_serializer_are_removed_unread(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'w.db'}"
    engine = create_engine(url)
    with engine.begin() as c:
        c.execute(text("CREATE TABLE operation_outputs (workflow_uuid, output, error, serialization)"))
        c.execute(text("CREATE TABLE workflow_status (workflow_uuid, inputs, output, error, serialization)"))
        for row in (
            "operation_outputs VALUES ('a', '1', NULL, 'portable_json')",
            "operation_outputs VALUES ('b', 'gASV', NULL, 'py_pickle')",
            "operation_outputs VALUES ('c', 'gASV', NULL, NULL)",
            "operation_outputs VALUES ('d', NULL, NULL, NULL)",
            "workflow_status VALUES ('e', '1', NULL, NULL, 'portable_json')",
            "workflow_status VALUES ('f', 'gASV', NULL, NULL, 'custom')",
        ):
            c.execute(text(f"INSERT INTO {row}"))
    assert drop_other_serializers(url) == 3
    assert drop_other_serializers(url) == 0
    with engine.begin() as c:
        left = c.scalars(text("SELECT workflow_uuid FROM operation_outputs")).all()
        assert [*left, *c.scalars(text("SELECT workflow_uuid FROM workflow_status"))] == ["a", "d", "e"]
    engine.dispose()
    assert drop_other_serializers(f"sqlite:///{tmp_path / 'new.db'}") == 0


def test_a_restart_of_the_server_is_waited_for(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    state = State(postgres_url)
    state.arrived("1.2", 1, "CT", {})
    state.beat("a", "h", "worker")
    assert state.hosts()[0].silent < CEILING_SECONDS
    real, down = state._engine.connect, [3]

    def connect() -> Any:
        if down[0]:
            down[0] -= 1
            raise OperationalError("connect", {}, Exception("the server is starting up"))
        return real()

    monkeypatch.setattr(state._engine, "connect", connect)
    assert state.study("1.2") is not None
    assert down == [0]
    State(postgres_url)  # a second host: the tables are there


@pytest.fixture
def worker(site: Site) -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def test_a_worker_finishes_what_a_killed_node_was_at(
    site: Site, archive: Archive, tmp_path: Path, postgres_url: str, worker: list[subprocess.Popen[bytes]]
) -> None:
    begun = tmp_path / "begun"
    site.config["database"] = postgres_url
    site.config["work"] = {"heartbeat_seconds": 0.5, "take_over_seconds": 2}
    site.start(str(HERE / "slow_serve.py"), str(site.yaml), str(begun), "86400")
    site.send(*write_series(tmp_path / "in"))
    wait_for(begun.exists)
    command = [sys.executable, "-m", "overread.cli", "work", str(site.yaml)]
    worker.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
    state = State(postgres_url)
    wait_for(lambda: {h.role for h in state.hosts()} == {"receiver", "worker"})
    site.kill()
    row = wait_for(lambda: (s := state.study("1.2.3")) and s.state is StudyState.DELIVERING and s)
    assert row.run is not None and row.run.files
    archive.start()
    site.start()
    site.wait_state("1.2.3", "delivered")
    assert set(archive.by_modality()) == {"SR", "SEG"}
    assert len(archive.arrivals) == 2, "nothing is delivered twice"
    worker[0].terminate()
    assert worker[0].wait(CEILING_SECONDS) == 0
    assert site.stop() == 0
