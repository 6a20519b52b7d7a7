"""One window of the planned 3D U-Net: the packaged network in ONNX Runtime beside the trained one in torch.

Median wall milliseconds, same machine, same input, same number of threads, both in one run.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from overread.learn.export import export_onnx
from overread.learn.plan import Augment, Named, Network, Plan
from overread.nets.networks import build
from overread.runtime.engine import Engine
from overread.runtime.manifest import Intensity, Preprocess

PATCH = [64, 64, 48]
REPEATS = 9


def main() -> None:
    """Print the ratio table."""
    arguments = {
        "widths": [16, 32, 64, 128],
        "strides": [[1] * 3, [2] * 3, [2] * 3, [2] * 3],
        "kernels": [[3] * 3] * 4,
    }
    plan = Plan(
        task="segmentation",
        dimensions=3,
        inputs=["T1", "FLAIR"],
        channels=["T1", "FLAIR"],
        labels=["background", "lesion"],
        preprocess=Preprocess(dimensions=3, intensity=[Intensity(method="zscore")] * 2),
        patch=PATCH,
        batch=1,
        network=Network(name="unet", arguments=arguments, parameters=0),
        loss=Named(name="dice_cross_entropy"),
        augment=Augment(),
        learning_rate=0,
        weight_decay=0,
        epochs=1,
        most_epochs=1,
        steps_per_epoch=1,
        seconds_per_step=0,
        train_seconds=0,
        memory_gib=0,
        seed=0,
        reasons=[],
    )
    torch.manual_seed(0)
    network = build("unet", 3, 2, 2, arguments).eval()
    x = np.random.default_rng(0).normal(size=(1, 2, *PATCH)).astype(np.float32)
    engine = Engine(export_onnx(network, plan, [x[0]]).model, "benchmark")
    tensor = torch.from_numpy(x)

    @torch.no_grad()
    def trained() -> None:
        network(tensor)

    runs = interleaved({"torch": trained, "ONNX Runtime": lambda: engine(x)})
    table = Table(f"3D U-Net, one {PATCH} window", "ms", "ratio to torch")
    for name, ms in runs.items():
        table.add_row(name, f"{ms:.0f}", f"{runs['torch'] / ms:.1f} times faster" if name != "torch" else "1")
    Console().print(table)


def interleaved(jobs: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median milliseconds of each job, run in turn so that a drift of the machine hits all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for repeat in range(REPEATS + 1):
        for name, job in jobs.items():
            began = time.perf_counter()
            job()
            if repeat:
                seconds[name].append(time.perf_counter() - began)
    return {name: 1000 * statistics.median(s) for name, s in seconds.items()}


if __name__ == "__main__":
    main()
