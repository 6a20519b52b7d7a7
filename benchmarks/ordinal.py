"""Grades learnt as grades beside the same network as plain classes: quadratic kappa on the same test, paired.

    python benchmarks/ordinal.py --budget 15m --seeds 3

Diabetic retinopathy (IDRiD, grades 0 to 4, from OVERREAD_DATA). Both tasks get the same split, budget and seed; what
differs is the task: CORN and the median grade, or cross-entropy and the likeliest class. The table has kappa, error in
grades, and the area of grade 2 or higher (referable) of each, and the difference with a paired interval over patients
(bootstrap of cases, all seeds of a case together).
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import yaml
from numpy.typing import NDArray

from overread.stats.intervals import bootstrap_ci
from overread.stats.ordinal import ordinal_mae, quadratic_kappa
from overread.stats.roc import auc

DATA = Path(os.environ.get("OVERREAD_DATA", "../shared/data")) / "idrid_dr_grades"
TASKS = ("ordinal", "classification")
REFERABLE = 2
Scores = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""True and decided grade, and the probability of a referable grade, of each test case."""


def main() -> None:
    """Train both tasks with each seed, and print the table."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--budget", default="15m")
    asked.add_argument("--seeds", type=int, default=3)
    asked.add_argument("--data", type=Path, default=DATA)
    given = asked.parse_args()
    if not given.data.is_dir():
        sys.exit(f"{given.data}: no such folder; set OVERREAD_DATA")
    found: dict[str, list[Scores]] = {task: [] for task in TASKS}
    with TemporaryDirectory(prefix="overread-ordinal-") as name:
        for seed in range(given.seeds):
            for task in TASKS:
                print(f"seed {seed}: {task} in {given.budget}", flush=True)
                found[task].append(_trained(Path(name) / f"{task}-{seed}", given, task, seed))
    _print(found)


def _trained(folder: Path, given: argparse.Namespace, task: str, seed: int) -> Scores:
    """Import, train and test; the test's rows."""
    _overread("import", "table", given.data, "--out", folder, "--label", "dr_grade", "--task", task)
    _overread("init", folder)
    path = folder / "protocol.yaml"
    protocol = yaml.safe_load(path.read_text())
    protocol |= {"budget": given.budget, "seed": seed}
    if task == "ordinal":
        protocol |= {"positive": str(REFERABLE), "operating_point": "youden"}
    path.write_text(yaml.safe_dump(protocol, sort_keys=False))
    _overread("run", folder)
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as f:
        rows = sorted(csv.DictReader(f), key=lambda r: r["case"])
    y, decided = (np.array([int(r[column]) for r in rows]) for column in ("label", "decided"))
    grades = range(REFERABLE, len(protocol["labels"]))
    return y, decided, np.array([sum(float(r[f"score_{k}"]) for k in grades) for r in rows])


def _overread(*words: object) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "overread", *map(str, words)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"overread {' '.join(map(str, words))}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def _print(found: dict[str, list[Scores]]) -> None:
    for task, seeds in found.items():
        for seed, (y, decided, score) in enumerate(seeds):
            kappa = quadratic_kappa(y, decided, classes=5)
            error = ordinal_mae(y, decided, classes=5)
            area = auc(y >= REFERABLE, score)
            print(
                f"{task:15} seed {seed}: quadratic kappa {kappa.estimate:.3f} ({kappa.low:.3f} to {kappa.high:.3f}), "
                f"error {error.estimate:.2f} grades ({error.low:.2f} to {error.high:.2f}), "
                f"AUROC of grade >= {REFERABLE} {area.estimate:.3f} ({area.low:.3f} to {area.high:.3f})"
            )
    y = found["ordinal"][0][0]
    decided = {task: np.stack([d for _, d, _ in seeds], axis=1) for task, seeds in found.items()}

    def difference(truth: NDArray[np.int64], one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
        return float(
            np.mean([_kappa(truth, one[:, k]) - _kappa(truth, other[:, k]) for k in range(one.shape[1])])
        )

    paired = bootstrap_ci(
        difference, (y, decided["ordinal"], decided["classification"]), strata=y, method="percentile"
    )
    print(
        f"ordinal less classification, mean over seeds: quadratic kappa {paired.estimate:+.3f} "
        f"(95% CI {paired.low:+.3f} to {paired.high:+.3f}, paired, {len(y)} test cases)"
    )


def _kappa(truth: NDArray[np.int64], decided: NDArray[np.int64]) -> float:
    """Quadratic weighted kappa of five grades, without its interval; 0 where only one grade is decided and true."""
    table = np.bincount(truth * 5 + decided, minlength=25).reshape(5, 5) / len(truth)
    distance = (np.arange(5)[:, None] - np.arange(5)) ** 2
    expected = float((distance * np.outer(table.sum(axis=1), table.sum(axis=0))).sum())
    return 1 - float((distance * table).sum()) / expected if expected else 0.0


if __name__ == "__main__":
    main()
