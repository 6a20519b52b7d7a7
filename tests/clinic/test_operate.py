"""The desk: a request that fails otherwise than by what was asked holds up no other, and is given up at last."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from overread.clinic.operate import ATTEMPTS, Desk, Operate
from overread.clinic.operate_command import replay_command
from overread.clinic.records.hosts import Request
from overread.clinic.state import State
from overread.errors import InputError


class Clock(State):
    """A database whose clock the test sets."""

    at = 1000.0

    def clock(self) -> float:
        return self.at


class Faulty(Desk):
    """Every delete fails as a disk does."""

    def _do(self, request: Request) -> str:
        if request.kind == "delete":
            raise OSError(5, "Input/output error")
        return "done"


@pytest.fixture
def state(tmp_path: Path) -> Clock:
    made = Clock(tmp_path / "clinic.db")
    made.arrived("1.2.3", 1, "CT", {})
    return made


@pytest.fixture
def desk(state: Clock) -> tuple[Desk, list[str]]:
    notes: list[str] = []
    steps = SimpleNamespace(
        state=state,
        bench=SimpleNamespace(public=str),
        note=lambda kind, **payload: notes.append(kind),
    )
    return Faulty(cast(Any, steps), cast(Any, None)), notes


def test_one_that_fails_holds_up_no_other_and_is_given_up(
    state: Clock,
    desk: tuple[Desk, list[str]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node, notes = desk
    stuck, other = Operate(state).delete("1.2.3"), Operate(state).rerun("1.2.3")
    node.work()
    behind = state.request(other)
    assert behind is not None and behind.done
    node.work()
    first = state.request(stuck)
    assert first is not None
    assert (first.attempts, first.done, first.not_before) == (1, "", 1002.0), "not before its time"
    tried = [1]
    for _ in range(2000):
        state.at += 1
        node.work()
        now = state.request(stuck)
        assert now is not None
        if now.attempts > tried[-1]:
            tried.append(now.attempts)
    assert now is not None
    assert (now.attempts, now.given_up) == (ATTEMPTS, True)
    assert now.answer.startswith(f"given up after {ATTEMPTS} attempts: OSError: ")
    assert notes.count("clinic.given_up") == 1 and state.asked() == []
    assert [r.id for r in state.given_up()] == [stuck]
    with pytest.raises(InputError, match="was not given up"):
        Operate(state).again(str(other))
    with pytest.raises(InputError, match="expected its number"):
        Operate(state).again("\u0664")
    monkeypatch.setattr("overread.clinic.operate_command.state_of_node", lambda config: state)
    monkeypatch.setattr("overread.clinic.operate_command.WAIT_SECONDS", 0.0)
    replay_command(cast(Any, None), [], every=True)
    assert f"{stuck}: asked for" in capsys.readouterr().out
    assert [r.id for r in state.asked()] == [stuck] and state.given_up() == []
