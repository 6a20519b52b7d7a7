"""One attempt at one destination, and what follows from it; each object by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.clinic import deliver
from overread.clinic.config import Delivery, Destination
from overread.clinic.deliver import DELIVERED, STORED, Offered, backoff, offer
from overread.clinic.outward import dicom
from overread.clinic.outward.parcel import Parcel
from overread.clinic.run_folder import RunFacts
from overread.clinic.send import Answer, SendResult, UnreachableError
from overread.clinic.tables import DeliveryState

POLICY = Delivery(attempts=3, retry_seconds=2, longest_retry_seconds=60)
PACS = Destination(name="P", aet="PACS", host="h", port=104)
FILES = [Path("seg.dcm"), Path("sr.dcm")]
FACTS = RunFacts("k", "1.2.3", (), "r", "p", "1", "0", False, "2026-01-02T03:04:05+00:00")


def attempt(
    monkeypatch: pytest.MonkeyPatch, *statuses: int | None, number: int = 1, refusals: int = 0, **known: str
) -> Offered:
    missing = [f for f in FILES if known.get(f.stem) != DELIVERED]

    def send(files: list[Path], *_: Any, **__: Any) -> SendResult:
        assert files == missing
        if not statuses:
            raise UnreachableError("PACS@h:104 cannot be reached")
        return SendResult(tuple(Answer(f, "1", s, "why") for f, s in zip(missing, statuses, strict=True)))

    monkeypatch.setattr(deliver, "send_to", lambda parcel, destination: dicom.send(parcel, destination, send))
    parcel = Parcel(FACTS, missing, "ME", 5.0, "1")
    kept = {f"{k}.dcm": v for k, v in known.items()}
    return offer(parcel, PACS, POLICY, attempt=number, refusals=refusals, known=kept)


def test_success_and_warnings_are_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    for statuses in ((0, 0), (0xB000, 0xB007)):
        ended = attempt(monkeypatch, *statuses)
        assert (ended.state, ended.wait, ended.error) == (DeliveryState.DELIVERED, None, "")
        assert ended.objects == {"seg.dcm": DELIVERED, "sr.dcm": DELIVERED}


def test_unreachable_is_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 3, 1000):
        ended = attempt(monkeypatch, number=number)
        assert ended.state is DeliveryState.WAITING
        assert not ended.refused
        assert ended.wait is not None
        assert "cannot be reached" in ended.error


@pytest.mark.parametrize("status", [0xA700, 0xA7FF, None])
def test_full_or_broken_off_is_tried_for_ever(monkeypatch: pytest.MonkeyPatch, status: int | None) -> None:
    ended = attempt(monkeypatch, 0, status, number=1000, refusals=50)
    assert (ended.state, ended.refused) == (DeliveryState.WAITING, False)
    assert "sr.dcm" in ended.error


@pytest.mark.parametrize("status", [0xA900, 0xC000, 0x0122, 0x0124])
def test_refusal_is_tried_a_few_times(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    for refusals in (0, 1):
        ended = attempt(monkeypatch, 0, status, number=refusals + 1, refusals=refusals)
        assert (ended.state, ended.refused) == (DeliveryState.WAITING, True)
        assert ended.wait is not None
    ended = attempt(monkeypatch, 0, status, number=3, refusals=2)
    assert (ended.state, ended.wait) == (DeliveryState.REFUSED, None)
    assert f"sr.dcm: status {status:#06x} (why)" in ended.error
    assert ended.objects["seg.dcm"] == DELIVERED


def test_what_was_taken_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one refused object is offered by itself, and its refusal does not undo the other's delivery."""
    ended = attempt(monkeypatch, 0xC000, number=2, refusals=1, seg=DELIVERED)
    assert ended.state is DeliveryState.WAITING
    assert attempt(monkeypatch, 0, number=3, refusals=2, seg=DELIVERED).state is DeliveryState.DELIVERED


def test_refusal_of_one_does_not_end_what_waits_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = attempt(monkeypatch, 0xC000, None, number=9, refusals=8)
    assert ended.state is DeliveryState.WAITING


def test_stored_is_not_done_where_a_query_is_to_confirm(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def not_found(parcel: Parcel, destination: Any, objects: list[Path]) -> Any:
        asked.append([p.name for p in objects])
        return {p.name: dicom.Said(stored=True, text="not found yet") for p in objects}

    def send(files: list[Path], *_: Any, **__: Any) -> SendResult:
        assert files, "nothing is sent twice"
        return SendResult(tuple(Answer(f, "1", 0) for f in files))

    monkeypatch.setattr(dicom, "found_by_query", not_found)
    monkeypatch.setattr(deliver, "send_to", lambda parcel, there: dicom.send(parcel, there, send))
    there = PACS.model_copy(update={"confirm": "query"})
    first = offer(Parcel(FACTS, FILES, "ME", 5.0, "1"), there, POLICY, attempt=1, refusals=0, known={})
    assert (first.state, set(first.objects.values())) == (DeliveryState.CONFIRMING, {STORED})
    again = Parcel(FACTS, FILES, "ME", 5.0, "1", stored=frozenset({"seg.dcm", "sr.dcm"}))
    second = offer(again, there, POLICY, attempt=2, refusals=0, known=first.objects)
    assert second.state is DeliveryState.CONFIRMING
    assert asked == [["seg.dcm", "sr.dcm"]] * 2
    monkeypatch.setattr(
        dicom, "found_by_query", lambda parcel, there, objects: {p.name: dicom.TAKEN for p in objects}
    )
    assert (
        offer(again, there, POLICY, attempt=3, refusals=0, known=first.objects).state
        is DeliveryState.DELIVERED
    )


@given(st.integers(1, 10**6))
def test_waits_double_up_to_the_longest(number: int) -> None:
    wait = backoff(POLICY, number)
    assert POLICY.retry_seconds <= wait <= POLICY.longest_retry_seconds
    assert wait == min(60, 2.0 ** min(number, 40))
