"""More images than memory holds: how much memory a training takes, and how long its network waits for them.

``python -m benchmarks.large_data [--images 100000] [--minutes 5] [--network planned|small] [--folder DIR]``

Images of 224 x 224 pixels are made of the chest radiographs in OVERREAD_DATA, each turned, cropped and changed in its
own way; half of them are mirrored, which is what the network learns. They are prepared into a store and trained on by a
process of its own, whose resident memory is read from /proc, with that of all its children, five times a second.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow
from rich.console import Console
from rich.table import Table

SIZE = 224
BATCH = 64
STEPS = 20
TUNING, TEST = 1000, 10
WIDTHS = {"planned": None, "small": [8, 16, 32, 64]}


def main() -> None:
    """Make the images where they are missing, train on them, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--network", choices=WIDTHS, default="planned")
    parser.add_argument("--read", choices=["store", "files"], default="store")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "overread-large-data")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ["OVERREAD_CACHE"] = str(given.folder / "cache")
    cohort = given.folder / f"cohort-{given.images}"
    if given.child:
        train(cohort, given.minutes, given.network, given.read)
        return
    if not (cohort / "cohort.csv").is_file():
        began = time.perf_counter()
        make_cohort(cohort, given.images)
        print(f"made {given.images} images in {time.perf_counter() - began:.0f} s", flush=True)
    found, peak = watched([sys.executable, "-m", "benchmarks.large_data", "--child", *sys.argv[1:]])
    show(given, found, peak)


def make_cohort(folder: Path, images: int) -> None:
    """Write ``images`` JPEG files to train on, some more for the other splits, and cohort.csv."""
    pictures = Path(os.environ.get("OVERREAD_DATA", "../shared/data")) / "covid19_hannover_cxr" / "images"
    sources = sorted(pictures.glob("*.jpg"))
    total = images + TUNING + TEST
    jobs = [(folder, sources, first, min(first + 1000, total)) for first in range(0, total, 1000)]
    with Pool(os.cpu_count()) as pool:
        pool.map(make_images, jobs, chunksize=1)
    with (folder / "cohort.csv.part").open("w", newline="") as f:
        table = csv.writer(f)
        table.writerow(["case", "patient", "image", "label", "split"])
        for i in range(total):
            label = "mirrored" if i % 2 else "upright"
            split = "train" if i < images else "val" if i < images + TUNING else "test"
            table.writerow([f"c{i}", f"p{i}", name(i), label, split])
    (folder / "cohort.csv.part").rename(folder / "cohort.csv")


def name(i: int) -> str:
    """File of image ``i``, a thousand in a folder."""
    return f"images/{i // 1000}/{i}.jpg"


def make_images(job: tuple[Path, list[Path], int, int]) -> None:
    """Images ``first`` to ``last`` of a cohort."""
    folder, sources, first, last = job
    (folder / f"images/{first // 1000}").mkdir(parents=True, exist_ok=True)
    pictures = [Pillow.open(path).convert("L") for path in sources]
    for i in range(first, last):
        rng = np.random.default_rng(i)
        picture = pictures[int(rng.integers(len(pictures)))]
        angle, scale = rng.normal(0, 0.1), rng.uniform(0.75, 1.0, 2) * picture.size / SIZE
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * scale
        if i % 2:
            turn[:, 0] *= -1
        shift = np.array(picture.size) * rng.uniform(0.45, 0.55, 2) - turn @ [SIZE / 2, SIZE / 2]
        matrix = (*turn[0], shift[0], *turn[1], shift[1])
        moved = picture.transform(
            (SIZE, SIZE), Pillow.Transform.AFFINE, matrix, Pillow.Resampling.BILINEAR, fillcolor=0
        )
        gamma = np.exp(rng.normal(0, 0.2))
        moved.point([round(255 * (v / 255) ** gamma) for v in range(256)]).save(folder / name(i), quality=92)


def watched(command: list[str]) -> tuple[dict[str, Any], int]:
    """Run ``command``; the JSON of its last line, and the largest resident memory of it and its children, bytes."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        peak, line = 0, ""
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        while process.poll() is None:
            peak = max(peak, sum(resident(pid) for pid in family(process.pid)))
            line = shown(process.stdout.readlines()) or line
            time.sleep(0.2)
        line = shown(process.stdout.readlines()) or line
    if process.returncode:
        raise SystemExit(process.returncode)
    found: dict[str, Any] = json.loads(line)
    return found, peak


def shown(lines: list[str]) -> str:
    """Print all lines but that of JSON, and give that."""
    for line in lines:
        if not line.startswith("{"):
            print(line, end="", flush=True)
    return next((line for line in lines if line.startswith("{")), "")


def family(pid: int) -> list[int]:
    """A process and all below it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(p for child in children for p in family(int(child)))]


def resident(pid: int) -> int:
    """Bytes in memory, of files mapped too."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


def train(folder: Path, minutes: float, network: str, read: str) -> None:
    """What the measured process does: read the table, prepare, train; its figures as JSON."""
    from overread.cohort.cohort import Cohort
    from overread.learn.data import load_examples
    from overread.learn.fit import Live, fit
    from overread.learn.plan import Augment, Named, Network, Plan
    from overread.learn.store.store import Store
    from overread.nets.architecture import Need
    from overread.nets.networks import architecture

    arguments = architecture("resnet", answer="classes").arguments(Need(2, (SIZE, SIZE), (1.0, 1.0), False))
    if (widths := WIDTHS[network]) is not None:
        arguments = arguments | {"widths": widths, "blocks": [1, 1, 1, 1]}
    plan = Plan.model_validate(
        {
            "task": "classification",
            "dimensions": 2,
            "inputs": ["image"],
            "channels": ["image"],
            "labels": ["upright", "mirrored"],
            "preprocess": {
                "dimensions": 2,
                "color": "gray",
                "size": [SIZE, SIZE],
                "intensity": [{"method": "fixed", "low": 0, "high": 255, "mean": 120, "std": 60}],
            },
            "patch": [SIZE, SIZE],
            "batch": BATCH,
            "network": Network(name="resnet", arguments=arguments, parameters=1),
            "loss": Named(name="cross_entropy"),
            "augment": Augment(
                rotate_deg=10,
                scale=0.1,
                shift=0.05,
                grey_values={"gamma": 0.2, "contrast": 0.2, "brightness": 0.2, "noise": 0.1},
            ),
            "learning_rate": 2e-3,
            "weight_decay": 0.05,
            "read": read,
            "epochs": 4,
            "most_epochs": 100_000,
            "steps_per_epoch": STEPS,
            "seconds_per_step": 1.0,
            "train_seconds": 60 * minutes,
            "memory_gib": 0.0,
            "seed": 0,
            "reasons": [],
        }
    )
    marks = [time.perf_counter()]
    cohort = Cohort.read(folder, need="label", labels=plan.labels)
    marks.append(time.perf_counter())
    done = [0]

    def advance() -> None:
        done[0] += 1
        if done[0] % 10_000 == 0:
            print(f"prepared {done[0]} after {time.perf_counter() - marks[1]:.0f} s", flush=True)

    cases, tuning = cohort.split("train"), cohort.split("val")
    examples = load_examples(cases, plan, advance)
    tune = load_examples(tuning, plan, advance)
    marks.append(time.perf_counter())

    def report(live: Live) -> None:
        if live.epoch is not None and live.epoch.epoch % 5 == 1:
            print(f"epoch {live.epoch.epoch}: loss {live.epoch.loss:.3f}; {live.times}", flush=True)

    fitted = fit(plan, examples, tune, report)
    seen = len(fitted.history) * STEPS * BATCH
    figures = {
        "table_s": marks[1] - marks[0],
        "prepare_s": marks[2] - marks[1],
        "store_bytes": Store().usage().held if read == "store" else 0,
        "seen": seen,
        "loss": [fitted.history[0].loss, fitted.history[-1].loss],
        "images_s": seen / fitted.seconds,
        "times": fitted.times.record(),
    }
    print(json.dumps(figures), flush=True)


def show(given: argparse.Namespace, found: dict[str, Any], peak: int) -> None:
    """The figures as a table."""
    times = found["times"]
    table = Table("images", "read", "network", "prepared, s", "store, GiB", "peak RSS, GiB", "trained on")
    for column in ("images/s", "waiting", "reading", "augmenting", "loss, first to last epoch"):
        table.add_column(column)
    shares = [f"{times[k] / times['elapsed']:.1%}" for k in ("waiting", "reading", "augmenting")]
    table.add_row(
        f"{given.images}",
        given.read,
        given.network,
        f"{found['prepare_s']:.0f}",
        f"{found['store_bytes'] / 2**30:.2f}",
        f"{peak / 2**30:.2f}",
        f"{found['seen']}",
        f"{found['images_s']:.1f}",
        *shares,
        " to ".join(f"{v:.3f}" for v in found["loss"]),
    )
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
