"""Cases for training, prepared by the same function that prepares them in the clinic."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.cohort.load import load_case
from overread.cohort.truth import TRUTHS
from overread.errors import InputError, OverreadError
from overread.learn.example import Example
from overread.learn.file_examples import FileExamples
from overread.learn.plan import Plan
from overread.learn.store.address import addresses
from overread.learn.store.entry import IMAGE, Entry, pack_entry
from overread.learn.store.examples import StoredExamples
from overread.learn.store.store import Store
from overread.learn.tasks import TASKS
from overread.runtime.preprocess import prepare
from overread.task import TASKS as FACTS

MEMORY_SHARE = 0.5
"""Of the free memory, what the cases that are being prepared may take."""
WORK = 6
"""Memory that preparing takes, in prepared cases: what was read, its copies on the way, and what is written."""
TRIES = 3
LOOK = 64
"""Cases of which it is asked at once whether another process has prepared them."""


def load_examples(
    cases: Sequence[Case],
    plan: Plan,
    advance: Callable[[], None] = lambda: None,
    *,
    store: Store | None = None,
) -> Sequence[Example]:
    """``cases`` prepared for training by ``plan``, read when they are asked for.

    By `Plan.read` they come from the store, which gets those that it lacks now, or from their files each time.
    ``advance`` is called for each case. ``store`` is the person's own by default.

    Raises
    ------
    InputError
        An image or truth that cannot be read or does not fit, the case named. What was prepared before is kept.
    OverreadError
        A case too large for the memory, no room in the store.
    """

    def prepared(i: int) -> Mapping[str, NDArray[Any]]:
        return prepare_case(cases[i], plan)

    names = [c.case for c in cases]
    match plan.read:
        case "files":
            for _ in cases:
                advance()
            return FileExamples(names, prepared)
        case "store":
            store = store or Store()
            keys = addresses(cases, plan, store.index)
            for _ in range(TRIES):
                _fill(store, keys, prepared, advance)
                try:
                    return StoredExamples(store, names, keys, store.find(keys), prepared)
                except (KeyError, FileNotFoundError):
                    # Another process pruned what nobody had opened yet.
                    advance = _nothing
            raise OverreadError(
                f"{store.folder}: prepared cases vanish as fast as they are made; do not prune while a training begins"
            )


def prepare_case(case: Case, plan: Plan) -> Mapping[str, NDArray[Any]]:
    """The image of ``case`` and its target, by name. Raises OverreadError or InputError that names the case."""
    try:
        image = load_case(case)
        truth = TRUTHS[FACTS[plan.task].truth].read(case, image, plan.labels)
        target = TASKS[plan.task].target(truth, image, plan.preprocess)
        return {IMAGE: prepare(image, plan.preprocess).array, **target}
    except OverreadError as error:
        kind = InputError if isinstance(error, InputError) else OverreadError
        raise kind(_named(case, str(error))) from error
    except MemoryError as error:
        text = f"there is not enough memory to prepare it ({error}); check its size and spacing"
        raise OverreadError(_named(case, text)) from error
    except Exception as error:
        cause = " ".join(str(error).split())[:300]
        text = f"cannot be prepared ({type(error).__name__}: {cause}); check the file"
        raise OverreadError(_named(case, text)) from error


def _named(case: Case, text: str) -> str:
    """``text`` with the case and its files before it, as far as it does not name them itself."""
    paths = [str(p) for p in case.images.values()]
    if not any(p in text for p in paths):
        text = f"{', '.join(paths)}: {text}"
    return text if text.startswith(f"case {case.case}: ") else f"case {case.case}: {text}"


def _fill(
    store: Store,
    keys: Sequence[str],
    prepared: Callable[[int], Mapping[str, NDArray[Any]]],
    advance: Callable[[], None],
) -> None:
    """Prepare the cases whose keys the store lacks, several at a time, and keep them there."""
    there = store.find(keys)
    # What this training has found already is not what makes room for the rest.
    store.index.mark_used({row.pack for row in there.values()})
    missing: dict[str, int] = {}
    for i, key in enumerate(keys):
        if key in there or key in missing:
            advance()
        else:
            missing[key] = i
    if not missing:
        return

    def still_missing(keys: Sequence[str]) -> Iterator[str]:
        # What another process has kept meanwhile needs no work.
        for first in range(0, len(keys), LOOK):
            some = keys[first : first + LOOK]
            there = store.index.rows(some)
            for key in some:
                if key in there:
                    advance()
                else:
                    yield key

    with store.filling() as first, store.writer() as writer:
        # Processes that fill one store begin at different cases.
        turn = 0 if first else os.getpid() * 7919 % len(missing)
        order = [*missing][turn:] + [*missing][:turn]
        for key, entry in _some_at_once(still_missing(order), lambda key: pack_entry(prepared(missing[key]))):
            writer.add(key, entry)
            advance()


def _some_at_once(keys: Iterator[str], made: Callable[[str], Entry]) -> Iterator[tuple[str, Entry]]:
    """Each key with what is ``made`` of it, in order; so many are made at once as memory has room for."""
    threads = os.cpu_count() or 1
    room = MEMORY_SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    largest = 0
    coming: deque[tuple[str, Future[Entry]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            while True:
                while len(coming) < cases_at_once(threads, largest, room):
                    if (key := next(keys, None)) is None:
                        break
                    coming.append((key, pool.submit(made, key)))
                if not coming:
                    return
                done, future = coming.popleft()
                entry = future.result()
                largest = max(largest, entry.values)
                yield done, entry
                # Neither name may keep the bytes while the next case is waited for.
                del future, entry
        finally:
            pool.shutdown(cancel_futures=True)


def cases_at_once(threads: int, largest: int, room: float) -> int:
    """How many cases are prepared at once: one until a size is known, then so many of the ``largest`` as have room."""
    if not largest:
        return 1
    return max(1, min(2 * threads, int(room / (WORK * largest))))


def _nothing() -> None:
    """No progress to tell of."""
