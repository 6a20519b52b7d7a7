"""One attempt at one destination, and what follows from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.clinic.config import Delivery, Destination
from overread.clinic.deliver import backoff, offer
from overread.clinic.send import Answer, SendResult, UnreachableError
from overread.clinic.tables import DeliveryState

POLICY = Delivery(attempts=3, retry_seconds=2, longest_retry_seconds=60)
PACS = Destination(name="P", aet="PACS", host="h", port=104)
FILES = [Path("seg.dcm"), Path("sr.dcm")]


def answers(*statuses: int | None) -> Any:
    def send(files: list[Path], *_: Any, **__: Any) -> SendResult:
        assert files == FILES
        return SendResult(tuple(Answer(f, "1", s, "why") for f, s in zip(FILES, statuses, strict=True)))

    return send


def attempt(send: Any, number: int = 1, refusals: int = 0) -> Any:
    return offer(FILES, PACS, "ME", POLICY, number, refusals, send)


def test_success_and_warnings_are_delivered() -> None:
    for statuses in ((0, 0), (0xB000, 0xB007)):
        ended = attempt(answers(*statuses))
        assert (ended.state, ended.wait, ended.error) == (DeliveryState.DELIVERED, None, "")


def test_unreachable_is_tried_for_ever() -> None:
    def nobody(*_: Any, **__: Any) -> SendResult:
        raise UnreachableError("PACS@h:104 cannot be reached")

    for number in (1, 3, 1000):
        ended = attempt(nobody, number)
        assert ended.state is DeliveryState.WAITING
        assert not ended.refused
        assert ended.wait is not None
        assert "cannot be reached" in ended.error


@pytest.mark.parametrize("status", [0xA700, 0xA7FF, None])
def test_full_or_broken_off_is_tried_for_ever(status: int | None) -> None:
    ended = attempt(answers(0, status), 1000)
    assert (ended.state, ended.refused) == (DeliveryState.WAITING, False)
    assert "sr.dcm" in ended.error


@pytest.mark.parametrize("status", [0xA900, 0xC000, 0x0122, 0x0124])
def test_refusal_is_tried_a_few_times(status: int) -> None:
    for refusals in (0, 1):
        ended = attempt(answers(0, status), refusals + 1, refusals)
        assert (ended.state, ended.refused) == (DeliveryState.WAITING, True)
        assert ended.wait is not None
    ended = attempt(answers(0, status), 3, 2)
    assert (ended.state, ended.wait) == (DeliveryState.REFUSED, None)
    assert f"sr.dcm: status {status:#06x} (why)" in ended.error


@given(st.integers(1, 10**6))
def test_waits_double_up_to_the_longest(number: int) -> None:
    wait = backoff(POLICY, number)
    assert POLICY.retry_seconds <= wait <= POLICY.longest_retry_seconds
    assert wait == min(60, 2.0 ** min(number, 40))
