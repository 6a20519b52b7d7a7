"""Statistics: our time beside the incumbent's, same data, same machine, one thread, both in one run.

Median wall seconds of repetitions in turn, so that a drift of the machine hits both alike. Where the incumbent
is measured on a part of the work and scaled, the row says so. ``python benchmarks/stats.py auc`` runs the rows
whose function's name holds that word.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

REPEATS = 5


@dataclass(frozen=True)
class Row:
    """One claim: seconds of ours and of the incumbent, and how many times faster ours should be."""

    claim: str
    incumbent: str
    ours: float
    theirs: float
    wanted: float

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return self.theirs / self.ours


def bootstrap_auc() -> Row:
    """2,000 resamples of 5,000 cases; the loop is measured on 40 resamples and scaled to 2,000."""
    from sklearn.metrics import roc_auc_score

    from overread.stats.roc import auc

    y, score = scored(5000)
    draws = np.random.default_rng(1)

    def loop() -> None:
        for _ in range(40):
            rows = draws.integers(0, len(y), len(y))
            roc_auc_score(y[rows], score[rows])

    ours, theirs = in_turn(lambda: auc(y, score, method="bootstrap", resamples=2000), loop)
    name = "scikit-learn loop (40 resamples, scaled to 2,000)"
    return Row("bootstrap AUC, n = 5,000, 2,000 resamples", name, ours, theirs * 50, 50)


def delong_variance() -> Row:
    """DeLong's interval of 20,000 cases beside the comparison of every pair."""
    from overread.stats.roc import auc

    y, score = scored(20_000)
    positives, negatives = score[y == 1], score[y == 0]

    def every_pair() -> None:
        wins = (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives)
        first, second = wins.mean(axis=1), wins.mean(axis=0)
        float(first.var(ddof=1) / len(first) + second.var(ddof=1) / len(second))

    ours, theirs = in_turn(lambda: auc(y, score), every_pair, repeats=3, calls=20)
    return Row("DeLong, n = 20,000", "quadratic form (every pair)", ours, theirs, 100)


CLAIMS: list[Callable[[], Row]] = [bootstrap_auc, delong_variance]


def main() -> None:
    """Print one row per claim."""
    wanted = sys.argv[1:] or [""]
    table = Table("task", "ours, s", "incumbent", "its s", "times faster", "wanted")
    for claim in CLAIMS:
        if any(word in claim.__name__ for word in wanted):
            row = claim()
            seconds = [f"{v:.3g}" for v in (row.ours, row.theirs)]
            times = (f"{row.ratio:.0f}", f"{row.wanted:.0f}")
            table.add_row(row.claim, seconds[0], row.incumbent, seconds[1], *times)
    Console(width=140).print(table)


def scored(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels (n,) of 0 and 1 and scores (n,) with an area of about 0.76."""
    generator = np.random.default_rng(0)
    y = (generator.random(n) < 0.5).astype(int)
    return y, generator.normal(size=n) + y


def in_turn(
    ours: Callable[[], object], theirs: Callable[[], object], repeats: int = REPEATS, calls: int = 1
) -> tuple[float, float]:
    """Median seconds of both jobs, run in turn after one warm-up each; a short job of ours ``calls`` times."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for repeat in range(repeats + 1):
        for job, times, count in ((ours, seconds[0], calls), (theirs, seconds[1], 1)):
            began = time.perf_counter()
            for _ in range(count):
                job()
            if repeat:
                times.append((time.perf_counter() - began) / count)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


if __name__ == "__main__":
    main()
