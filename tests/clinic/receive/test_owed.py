"""Reports on storage commitment that we owe outlast a receiver that is away, and our own end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.clinic.site import wait_for

from overread.clinic.receive import owed
from overread.clinic.receive.commitment import Report, report_of
from overread.clinic.receive.owed import ATTEMPTS, Owed
from overread.clinic.receive.settings import PeerRow

PLACES = {name: PeerRow(aet=name, host="192.0.2.1", port=104) for name in ("AWAY", "HERE")}


class Receivers:
    def __init__(self) -> None:
        self.away, self.tried = {"AWAY"}, list[tuple[str, str]]()

    def __call__(self, report: dict[str, Any], place: PeerRow) -> str:
        self.tried.append((place.aet, report["transaction"]))
        return "no association" if place.aet in self.away else ""


def report(transaction: str) -> dict[str, Any]:
    return {"transaction": transaction, "kept": [["1.2", "1.3"]], "failed": [["1.2", "1.4", 274]]}


def quiet(folder: Path, receivers: Receivers, clock: list[float]) -> Owed:
    """Without its thread: rounds are made by the test."""
    made = Owed(folder, PLACES, receivers, clock=lambda: clock[0])
    made._thread = object()  # type: ignore[assignment]
    return made


def test_who_is_away_delays_no_other_and_is_told_later(tmp_path: Path) -> None:
    receivers, clock = Receivers(), [0.0]
    books = quiet(tmp_path, receivers, clock)
    for number in range(3):
        assert books.add("AWAY", report(f"1.{number}")) and books.add("HERE", report(f"2.{number}"))
    assert books.work() == 3
    assert sorted(t for aet, t in receivers.tried if aet == "HERE") == ["2.0", "2.1", "2.2"]
    assert [t for aet, t in receivers.tried if aet == "AWAY"] == ["1.0"], "the others would fail like it"
    receivers.away.clear()
    after_a_restart = quiet(tmp_path, receivers, clock)
    clock[0] = 2.0
    assert after_a_restart.work() == 0
    assert sorted(t for aet, t in receivers.tried[4:]) == ["1.0", "1.1", "1.2"]


def test_waits_grow_and_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    receivers, clock, waited = Receivers(), [0.0], list[float]()
    books = quiet(tmp_path, receivers, clock)
    books.add("AWAY", report("1"))
    while True:
        before = len(receivers.tried)
        left = books.work()
        if len(receivers.tried) > before:
            waited.append(clock[0])
        if not left:
            break
        clock[0] += 1.0
    assert len(receivers.tried) == ATTEMPTS
    assert waited[:4] == [0.0, 2.0, 6.0, 14.0]
    assert "after 12 attempts" in caplog.text
    assert list(tmp_path.rglob("*.json")) == []


def test_what_cannot_be_read_or_has_no_receiver_is_dropped(tmp_path: Path) -> None:
    receivers = Receivers()
    books = quiet(tmp_path, receivers, [0.0])
    books.add("GONE", report("1"))
    books.add("HERE", report("2"))
    next((tmp_path).glob("*/*.json")).write_text("{")
    assert books.work() == 0
    assert list(tmp_path.rglob("*.json")) == []


def test_one_caller_is_owed_so_many_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owed, "MOST", 2)
    books = quiet(tmp_path, Receivers(), [0.0])
    assert [books.add("AWAY", report(str(n))) for n in (1, 2, 2, 3)] == [True, True, True, False]
    assert books.add("HERE", report("3"))


def test_the_thread_tells_and_goes_on_with_what_was_left(tmp_path: Path) -> None:
    receivers = Receivers()
    quiet(tmp_path, receivers, [0.0]).add("HERE", report("1"))
    books = Owed(tmp_path, PLACES, receivers)
    books.start()
    wait_for(lambda: receivers.tried)
    books.add("HERE", report("2"))
    wait_for(lambda: not list(tmp_path.rglob("*.json")))
    books.stop()
    assert [t for _, t in receivers.tried] == ["1", "2"]


def test_a_report_outlasts_json() -> None:
    assert report_of(report("1.2")) == Report("1.2", (("1.2", "1.3"),), (("1.2", "1.4", 274),))
