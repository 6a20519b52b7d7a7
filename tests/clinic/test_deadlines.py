"""Nothing starves: whatever comes after, a study waits no longer than its patience and what was there before it."""

from __future__ import annotations

import heapq

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.clinic.deadlines import DEADLINES_FROM, PATIENCE_SECONDS, deadline
from overread.clinic.tables import Priority

START = DEADLINES_FROM + 40_000_000.0
RUN_SECONDS = 60


def waits(
    arrivals: list[tuple[float, Priority]], seconds: float = RUN_SECONDS
) -> dict[int, tuple[Priority, float]]:
    """How long each of ``arrivals`` (time, priority) waits for one worker that takes the earliest deadline next."""
    coming = sorted((at, n, priority) for n, (at, priority) in enumerate(arrivals))
    waiting: list[tuple[int, int, float, Priority]] = []
    clock, began = START, dict[int, tuple[Priority, float]]()
    while coming or waiting:
        if not waiting:
            clock = max(clock, coming[0][0])
        while coming and coming[0][0] <= clock:
            at, n, priority = coming.pop(0)
            heapq.heappush(waiting, (deadline(priority, at), n, at, priority))
        _, n, at, priority = heapq.heappop(waiting)
        began[n] = priority, clock - at
        clock += seconds
    return began


def flood(hours: float, every: float) -> list[tuple[float, Priority]]:
    """Urgent studies without a pause."""
    return [(START + every * n, Priority.URGENT) for n in range(int(hours * 3600 / every))]


@pytest.mark.parametrize("priority", [Priority.NORMAL, Priority.LOW])
def test_a_flood_of_urgent_studies_starves_nobody(priority: Priority) -> None:
    # More urgent ones than can be done: without deadlines the other would wait for all of them.
    arrivals = [(START, priority), *flood(12, 30)]
    waited = waits(arrivals)[0][1]
    # Those that came within its patience go before it: half of that time is as much again to be done.
    assert waited <= 2 * PATIENCE_SECONDS[priority] + 2 * RUN_SECONDS
    assert waited >= PATIENCE_SECONDS[priority], "and they do go before it"


def test_urgent_studies_pass_the_others() -> None:
    backlog = [(START, Priority.NORMAL)] * 10 + [(START, Priority.LOW)] * 10
    found = waits([*backlog, (START + 30.0, Priority.URGENT)])
    assert found[20][1] == RUN_SECONDS - 30, "the one that runs is not broken off"
    assert max(found[n][1] for n in range(10)) < min(found[n][1] for n in range(10, 20))


@settings(derandomize=True, max_examples=200)
@given(
    st.lists(
        st.tuples(st.integers(0, 4 * 3600).map(lambda s: START + s), st.sampled_from(list(Priority))),
        min_size=1,
        max_size=60,
    )
)
def test_no_study_is_passed_by_one_that_came_after_its_patience(
    arrivals: list[tuple[float, Priority]],
) -> None:
    found = waits(arrivals)
    begun = {n: arrivals[n][0] + waited for n, (_, waited) in found.items()}
    for n, (at, priority) in enumerate(arrivals):
        later = [m for m, (other, _) in enumerate(arrivals) if other > at + PATIENCE_SECONDS[priority]]
        assert all(begun[m] > begun[n] for m in later)


def test_deadlines_fit_what_a_queue_takes() -> None:
    for year in range(50):
        for priority in Priority:
            assert 1 <= deadline(priority, START + year * 31_557_600) < 2**31
    assert deadline(Priority.URGENT, 0.0) == 1, "a clock that was never set"
