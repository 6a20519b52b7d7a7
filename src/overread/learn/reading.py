"""Whether images are better prepared once and kept, or decoded each time: measured on some of them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from overread.cohort.case import Case
from overread.learn.data import load_examples
from overread.learn.example import Example
from overread.learn.plan import Plan
from overread.learn.store.store import Store
from overread.learn.tasks import TASKS

MOST_CASES, MOST_SECONDS = 48, 2.0


@dataclass(frozen=True)
class Reading:
    """Seconds a case: to ``keep`` it in the store, to draw a patch of it from the ``store`` or from its ``files``."""

    keep: float
    store: float
    files: float


def measure_reading(cases: Sequence[Case], plan: Plan) -> Reading:
    """Draw from some of ``cases``, all over the table, both ways; so many as take some seconds, at least one.

    What changing the patch takes is not in it. Raises as `load_examples`.
    """
    chosen = cases[:: max(1, len(cases) // MOST_CASES)][:MOST_CASES]
    task = TASKS[plan.task]
    fresh = load_examples(chosen, plan.model_copy(update={"read": "files"}))
    done, began = 0, time.perf_counter()
    while done < len(chosen) and time.perf_counter() - began < MOST_SECONDS:
        task.draw(fresh[done], plan, 0, done)
        done += 1
    with tempfile.TemporaryDirectory(prefix="overread-reading-") as folder:
        store = Store(Path(folder), limit=1 << 40)
        began = time.perf_counter()
        kept = load_examples(chosen[:done], plan.model_copy(update={"read": "store"}), store=store)
        keep = time.perf_counter() - began
        for i in range(done):
            task.draw(kept[i], plan, 0, i)
    return Reading(keep / done, _read_seconds(kept) / done, _read_seconds(fresh) / done)


def _read_seconds(examples: Sequence[Example]) -> float:
    return float(getattr(examples, "read_seconds", 0.0))


def choose_read(
    reading: Reading, *, dimensions: int, cases: int, seen: int
) -> tuple[Literal["store", "files"], str]:
    """The way that takes less time until ``seen`` patches are drawn from ``cases``, and the reason.

    Volumes always come from the store: a patch of one would have all of it decoded.
    """
    each = f"{reading.files * 1e3:.1f} ms from its files, {reading.store * 1e3:.1f} ms from the store"
    often = f"training draws {seen / cases:.1f} patches of each"
    if dimensions == 2 and seen * reading.files < cases * reading.keep + seen * reading.store:
        return (
            "files",
            f"Images are decoded each time: one takes {each}, and {often}, which is too few to prepare all.",
        )
    return "store", f"Images are prepared once and kept: one takes {each}, and {often}."
