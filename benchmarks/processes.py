"""Two processes against one with the same batch: the largest difference of the losses over 200 steps, and the speed.

Real data: PneumoniaMNIST with a ResNet (batch statistics, cross-entropy) and the hippocampus with a 3D U-Net (Dice and
cross-entropy pooled over the batch). Gloo on processors; each process has one thread. In float64 the figure shows
whether both compute the same; in float32 training magnifies any difference in the last bit, so that figure stands
beside what one process differs from itself when two threads sum in another order. Reads the folder OVERREAD_DATA
(default ../shared/data).

    python -m benchmarks.processes [task]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from overread.learn.example import Example
from overread.learn.plan import Plan

STEPS = 200
TASKS = ("classification", "segmentation")


def main() -> None:
    """Train with one and with two processes, each in processes of their own; print their differences."""
    asked = sys.argv[1:] or TASKS
    table = Table(title=f"two gloo processes against one, {STEPS} steps")
    for column in (
        "task",
        "computed in",
        "first, last loss",
        "largest difference",
        "of one from itself",
        "s, one, two",
    ):
        table.add_column(column)
    worst = 0.0
    for task in asked:
        for kind in ("float64", "float32"):
            one, two = _started(task, kind, 1), _started(task, kind, 2)
            apart = _apart(one, two)
            itself = f"{_apart(one, _started(task, kind, 1, threads=2)):.1e}" if kind == "float32" else ""
            if kind == "float64":
                worst = max(worst, apart)
            ends = f"{one['losses'][0]:.3f}, {one['losses'][-1]:.3f}"
            seconds = f"{one['seconds']:.0f}, {two['seconds']:.0f}"
            table.add_row(task, kind, ends, f"{apart:.1e}", itself, seconds)
            Console(stderr=True).print(f"{task} {kind}: {apart:.1e} {itself}")
    Console(width=110).print(table)
    if worst > 1e-4:
        sys.exit(1)


def _apart(one: dict[str, Any], other: dict[str, Any]) -> float:
    return float(np.abs(np.subtract(one["losses"], other["losses"])).max())


def _started(task: str, kind: str, processes: int, *, threads: int = 1) -> dict[str, Any]:
    command = [sys.executable, "-m"]
    if processes > 1:
        command += ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), "-m"]
    done = subprocess.run(
        [*command, "benchmarks.processes", task, kind],
        env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _train(task: str, kind: str) -> None:
    from overread.learn import processes
    from overread.learn.fit import fit

    if kind == "float64":
        _in_float64()
    plan, examples = {"classification": _radiographs, "segmentation": _hippocampi}[task]()
    losses: list[float] = []
    began = time.perf_counter()
    fit(plan, examples, [], lambda live: None if live.epoch else losses.append(live.loss))
    if processes.rank() == 0:
        print(json.dumps({"losses": losses, "seconds": time.perf_counter() - began}))


def _in_float64() -> None:
    """Networks and their input in float64 from here on; batches are drawn as ever."""
    from overread.learn import step

    build, forward = step.build, step.Step._forward
    step.build = lambda *given: build(*given).double()
    step.Step._forward = lambda self, network, image, targets: forward(self, network, image.double(), targets)


def _plan(**changes: Any) -> Plan:
    base: dict[str, Any] = {
        "inputs": ["image"],
        "channels": ["image"],
        "augment": {
            "rotate_deg": 10,
            "scale": 0.1,
            "shift": 0.03,
            "grey_values": {"gamma": 0.2, "noise": 0.1},
        },
        "learning_rate": 2e-3,
        "weight_decay": 1e-3,
        "epochs": 4,
        "most_epochs": 4,
        "follow_clock": False,
        "steps_per_epoch": STEPS // 4,
        "seconds_per_step": 0.1,
        "train_seconds": 1.0,
        "memory_gib": 0.0,
        "seed": 0,
        "reasons": [],
    }
    return Plan.model_validate(base | changes)


def _data() -> Path:
    return Path(os.environ.get("OVERREAD_DATA", "../shared/data"))


def _radiographs() -> tuple[Plan, list[Example]]:
    plan = _plan(
        task="classification",
        dimensions=2,
        labels=["normal", "pneumonia"],
        preprocess={"dimensions": 2, "size": [28, 28], "intensity": [{"method": "fixed"}]},
        patch=[28, 28],
        batch=32,
        network={
            "name": "resnet",
            "arguments": {"widths": [16, 32, 32, 64], "blocks": [1, 1, 1, 1], "small_stem": True},
            "parameters": 1,
        },
        loss={"name": "cross_entropy"},
    )
    with np.load(_data() / "pneumoniamnist28" / "pneumoniamnist.npz") as content:
        images, labels = content["train_images"][:800], content["train_labels"][:800, 0]
    examples = [
        Example(str(i), (x[None] / 127.5 - 1).astype(np.float32), {"label": np.array(y, np.int64)})
        for i, (x, y) in enumerate(zip(images, labels, strict=True))
    ]
    return plan, examples


def _hippocampi() -> tuple[Plan, list[Example]]:
    from overread.imaging.read import read
    from overread.learn.tasks.segmentation import with_places

    plan = _plan(
        task="segmentation",
        dimensions=3,
        labels=["background", "anterior", "posterior"],
        preprocess={"dimensions": 3, "intensity": [{"method": "zscore"}]},
        patch=[24, 24, 24],
        batch=4,
        network={
            "name": "unet",
            "arguments": {
                "widths": [4, 8, 16],
                "strides": [[1] * 3, [2] * 3, [2] * 3],
                "kernels": [[3] * 3] * 3,
            },
            "parameters": 1,
        },
        loss={"name": "dice_cross_entropy"},
        foreground_share=0.5,
    )
    examples = []
    files = sorted((_data() / "msd_hippocampus_3d" / "imagesTr").glob("*.nii.gz"))[:24]
    for file in files:
        image = read(file).array[0].astype(np.float32)
        mask = read(file.parents[1] / "labelsTr" / file.name).array[0].astype(np.uint8)
        image = (image - image.mean()) / image.std()
        pads = [(0, max(0, 24 - n)) for n in image.shape]
        examples.append(Example(file.name, np.pad(image, pads)[None], with_places(np.pad(mask, pads))))
    return plan, examples


if __name__ == "__main__":
    if len(sys.argv) > 2:
        _train(*sys.argv[1:])
    else:
        main()
