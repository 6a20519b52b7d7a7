"""Killed 50 times, and none the worse: a training on real radiographs, SIGKILL at random moments, resumed each time.

Cases of PneumoniaMNIST, the planned ResNet made narrower, augmentation, BatchNorm, averaging: what `overread train DIR
--resume` does, in a process of its own, killed within seconds while it prepares, trains or writes a checkpoint (written
as often as can be, so that many kills fall into the writing). The weights must be those of a training that nobody
killed, bit for bit.
Reads the folder OVERREAD_DATA (default ../shared/data).

    python -m benchmarks.resume [kills]
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

CASES = {"train": 320, "val": 64, "test": 32}
EPOCHS = 30
# The planned network, but narrower, so that a training is done in seconds.
WIDTHS, BATCH = [8, 8, 16, 16], 16
LONGEST_LIFE = 5.0


def main() -> None:
    """Print how often each moment was hit, and whether all weights are equal."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    _import_all()
    rng, hit = random.Random(0), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="resume-") as place:
        folder, log = Path(place) / "cases", Path(place) / "log"
        _apart(log, lambda: _prepare(folder, Path(place)))
        through = Path(place) / "through"
        shutil.copytree(folder, through)
        began = time.perf_counter()
        _apart(log, lambda: _train(through))
        seconds = time.perf_counter() - began
        wanted, equal, trainings = _weights(through), [], 0
        steps: list[int] = []
        while sum(hit.values()) < kills:
            victim = Path(place) / f"killed{trainings}"
            shutil.copytree(folder, victim)
            trainings += 1
            while not (victim / "record" / "train.json").is_file():
                if sum(hit.values()) == kills:
                    _apart(log, lambda at=victim: _train(at))  # type: ignore[misc]
                    break
                moment = _killed(log, victim, rng.uniform(0.1, LONGEST_LIFE))
                if moment:
                    hit[moment] += 1
                    steps.append(_step(victim))
            equal.append(_weights(victim) == wanted)
    table = Table(
        title=f"{sum(hit.values())} SIGKILLs in {trainings} trainings ({seconds:.0f} s each, unkilled)"
    )
    for column in ("killed", "times"):
        table.add_column(column)
    for moment, times in hit.items():
        table.add_row(moment, str(times))
    table.add_row("weights equal bit for bit", f"{sum(equal)} of {trainings} trainings")
    Console().print(table)
    Console().print(f"last whole checkpoint at each kill: {steps}")
    if not all(equal):
        sys.exit(1)


def _import_all() -> None:
    """Once, for all that are forked from here: nothing is computed yet, so no thread is lost."""
    import monai.networks.nets.resnet
    import sqlalchemy.dialects.sqlite

    import overread.learn.board
    import overread.learn.data
    import overread.learn.fit
    import overread.learn.lock
    import overread.learn.make_plan
    import overread.pipeline.stages
    from overread.learn import checkpoint

    # As often as can be: the writing is what a kill would spoil.
    checkpoint.EVERY_SECONDS, checkpoint.SHARE = 0.0, 1.0
    del monai, sqlalchemy, overread


def _prepare(folder: Path, place: Path) -> None:
    """Some of the official training, tuning and test cases, and a plan."""
    from overread.cohort.adapters.medmnist import import_medmnist
    from overread.pipeline.stages import init_stage, plan_stage

    data = Path(os.environ.get("OVERREAD_DATA", "../shared/data"))
    rng, small = np.random.default_rng(0), {}
    with np.load(data / "pneumoniamnist28" / "pneumoniamnist.npz") as content:
        for part, count in CASES.items():
            chosen = rng.permutation(len(content[f"{part}_images"]))[:count]
            for kind in ("images", "labels"):
                small[f"{part}_{kind}"] = content[f"{part}_{kind}"][chosen]
    np.savez(place / "pneumoniamnist.npz", **small)  # type: ignore[arg-type]
    import_medmnist(place / "pneumoniamnist.npz", folder)
    init_stage(folder)
    plan_stage(folder, epochs=EPOCHS)
    plan = json.loads((folder / "plan.json").read_text())
    plan["network"]["arguments"]["widths"], plan["batch"] = WIDTHS, BATCH
    plan["steps_per_epoch"] = CASES["train"] // BATCH
    (folder / "plan.json").write_text(json.dumps(plan))


def _train(folder: Path) -> None:
    from overread.pipeline.stages import train_stage

    train_stage(folder, resume=True)


def _start(log: Path, work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        with log.open("a") as out:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
        work()
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _apart(log: Path, work: Callable[[], None]) -> None:
    """``work`` in a process of its own."""
    _, status = os.waitpid(_start(log, work), 0)
    if status:
        sys.exit(f"a process failed:\n{log.read_text()[-3000:]}")


def _killed(log: Path, folder: Path, seconds: float) -> str:
    """In which moment training in ``folder`` was killed after ``seconds``; empty where it had ended before."""
    child = _start(log, lambda: _train(folder))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            if status:
                sys.exit(f"a training failed:\n{log.read_text()[-3000:]}")
            return ""
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    kept = folder / "model" / "checkpoints"
    if list(kept.glob(".step-*.part")):
        return "while a file of a checkpoint was being written"
    if {p.stem for p in kept.glob("step-*.pt")} != {p.stem for p in kept.glob("step-*.json")}:
        return "between the two files of a checkpoint"
    return "while training" if list(kept.glob("step-*.pt")) else "before the first checkpoint"


def _step(folder: Path) -> int:
    from overread.learn.checkpoint import checkpoints

    found = checkpoints(folder / "model" / "checkpoints")
    return found[0].step if found else 0


def _weights(folder: Path) -> dict[str, bytes]:
    import torch

    state = torch.load(folder / "model" / "weights.pt", map_location="cpu", weights_only=True)
    return {name: value.numpy().tobytes() for name, value in state.items()}


if __name__ == "__main__":
    main()
