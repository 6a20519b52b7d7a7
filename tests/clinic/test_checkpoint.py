"""A thread that was stopped stands still, however soon after it was let go."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

from overread.clinic.checkpoint import Checkpoint


class Reactor(threading.Thread):
    """pynetdicom's loop: between two checks it works, which here is counting."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.checkpoint: threading.Event = Checkpoint(self)
        self.rounds = 0
        self.ended = False

    def run(self) -> None:
        while not self.ended:
            self.checkpoint.wait()
            self.rounds += 1


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    thread, before = Reactor(), sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # threads change as often as on a busy machine
    thread.start()
    yield thread
    thread.ended = True
    thread.checkpoint.set()
    thread.join()
    sys.setswitchinterval(before)


def test_nothing_is_done_between_stop_and_go(reactor: Reactor) -> None:
    for _ in range(3000):
        reactor.checkpoint.clear()
        before = reactor.rounds
        for _ in range(20):
            assert reactor.rounds == before
        reactor.checkpoint.set()


def test_it_goes_on_once_let_go(reactor: Reactor) -> None:
    reactor.checkpoint.clear()
    before = reactor.rounds
    reactor.checkpoint.set()
    while reactor.rounds == before:
        pass


def test_a_thread_that_ended_is_not_waited_for() -> None:
    thread = Reactor()
    thread.ended = True
    thread.start()
    thread.join()
    thread.checkpoint.clear()
    assert not thread.checkpoint.is_set()


def test_the_thread_itself_is_not_stopped_by_its_own_call() -> None:
    checkpoint = Checkpoint(threading.current_thread())
    checkpoint.clear()
    assert not checkpoint.wait(timeout=0.01)
    checkpoint.set()
    assert checkpoint.wait()
