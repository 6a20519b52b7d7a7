"""Batches come in their order, a bounded number ahead, and faults come where they belong."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator

import pytest
import torch
from tests.learn.toys import TOYS

from overread.learn.patch_batches import PatchBatches
from overread.learn.prefetch import Prefetched


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("task", TOYS)
def test_the_same_batches_as_without(task: str, threads: int) -> None:
    p, examples = TOYS[task]
    batches = PatchBatches(p, examples)
    draws = itertools.chain.from_iterable(batches.draws(n) for n in range(2))
    with Prefetched(draws, ahead=3, threads=threads) as stream:
        found = list(stream)
    for (image, targets), (other, same) in zip(found, [*batches.epoch(0), *batches.epoch(1)], strict=True):
        assert torch.equal(image, other)
        assert all(torch.equal(targets[k].nan_to_num(), same[k].nan_to_num()) for k in same)


@pytest.mark.parametrize("threads", [1, 4])
def test_never_more_than_the_bound_ahead(threads: int) -> None:
    begun: list[int] = []

    def draws() -> Iterator[Callable[[], int]]:
        for i in range(40):
            begun.append(i)
            yield lambda i=i: i

    with Prefetched(draws(), ahead=5, threads=threads) as stream:
        for taken, item in enumerate(stream):
            assert item == taken and len(begun) <= taken + 1 + 5
    assert len(begun) == 40


def test_a_fault_comes_where_its_batch_would_have_come() -> None:
    def broken() -> int:
        raise OSError("the disk is gone")

    seen = []
    with (
        pytest.raises(OSError, match="the disk is gone"),
        Prefetched(iter([lambda: 1, lambda: 2, broken, lambda: 4])) as stream,
    ):
        seen.extend(iter(stream.__next__, None))
    assert seen == [1, 2]


def test_leaving_early_ends_its_threads() -> None:
    with Prefetched(itertools.repeat(lambda: 1), threads=2) as stream:
        assert next(stream) == 1
    assert not [t for t in threading.enumerate() if t.name.startswith("draw")]


def test_its_threads_leave_the_cores_to_the_network() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with Prefetched(itertools.repeat(torch.get_num_threads), threads=2) as stream:
            assert [next(stream) for _ in range(4)] == [1] * 4
            later: list[int] = []
            thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
            thread.start()
            thread.join()
        assert torch.get_num_threads() == 2 and later == [2]
    finally:
        torch.set_num_threads(before)


def test_where_the_time_went_is_told() -> None:
    clock = itertools.count(10, 3)
    with Prefetched(iter([lambda: 1, lambda: 2]), read_seconds=lambda: float(next(clock))) as stream:
        list(stream)
    assert stream.waited >= 0 and stream.working >= 0
    assert stream.reading == 3.0 and stream.augmenting == 0.0


def test_a_bound_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Prefetched(iter([]), ahead=0)
