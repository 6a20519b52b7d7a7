"""Memory of a training step: foretold by the planner, and measured, each in a process of its own.

    python benchmarks/memory.py [DIR ...]

Without folders of some networks; with them of the plan.json in each, and, where `overread run` went through, its
foretold seconds of training and answering and peak of memory beside what they took (report.json).

Measured is the peak of resident memory (VmHWM of /proc) above what the process held before the network was built: two
steps of the very training step (`overread.learn.step.Step`) on random images, float32. Linux only.
"""

from __future__ import annotations

import ctypes
import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

# Network, axes, batch, voxels per axis.
CASES = (
    ("resnet18", 2, 16, (224, 224)),
    ("resnet", 3, 4, (48, 48, 48)),
    ("unet", 2, 4, (256, 256)),
    ("unet", 3, 2, (64, 64, 48)),
    ("densenet121", 2, 8, (160, 160)),
    ("efficientnet_b0", 2, 8, (160, 160)),
    ("convnext_atto", 2, 8, (224, 224)),
    ("vit_tiny", 2, 16, (224, 224)),
)
# Voxels per axis of the step that loads the libraries before anything is measured.
WARM = {2: 64, 3: 16}
PEAK = Path("/proc/self/status")


def planned(name: str, dims: int, batch: int, size: tuple[int, ...]) -> Any:
    """The smallest plan that trains the network."""
    from overread.learn.plan import Augment, Named, Network, Plan
    from overread.nets.named import defaults
    from overread.runtime.manifest import Intensity, Preprocess

    local = name == "unet"
    return Plan(
        task="segmentation" if local else "classification",
        dimensions=dims,
        inputs=["image"],
        channels=["image"],
        labels=["a", "b"],
        preprocess=Preprocess(
            dimensions=dims,
            color="gray" if dims == 2 else "as_is",
            size=None if local else list(size),
            spacing=[1.0] * dims if local and dims == 3 else None,
            intensity=[Intensity(method="fixed")],
        ),
        patch=list(size),
        batch=batch,
        network=Network(name=name, arguments=defaults(name, dims, size), parameters=1),
        loss=Named(name="dice_cross_entropy" if local else "cross_entropy"),
        augment=Augment(flip=[]),
        learning_rate=1e-3,
        weight_decay=0.0,
        foreground_share=0.0,
        epochs=1,
        most_epochs=1,
        steps_per_epoch=1,
        seconds_per_step=0.0,
        train_seconds=0.0,
        memory_gib=0.0,
        seed=0,
        reasons=[],
        precision="float32",
    )


def measure(plan: Any, name: str) -> None:
    """Print foretold and measured GiB of a step of ``plan``."""
    import torch

    from overread.learn.planner.memory import step_bytes
    from overread.learn.step import Step
    from overread.nets.networks import architecture
    from overread.task import TASKS

    dims, batch, size, channels = plan.dimensions, plan.batch, tuple(plan.patch), len(plan.channels)
    foretold = step_bytes(plan)
    # The libraries' own memory comes with the first step, of any size that the network can take.
    made = architecture(plan.network.name, answer=TASKS[plan.task].answer)
    least = [max(2 * m, WARM[dims]) for m in made.multiple(plan.network.arguments, dims)]
    least = [min(n, m) for n, m in zip(least, size, strict=True)]
    _steps(Step(plan.model_copy(update={"batch": 2})), torch.randn(2, channels, *least), plan, count=1)
    # What that step has freed goes back, or the measured one would be given it without being seen.
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    before = _kib("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    _steps(Step(plan), torch.randn(batch, channels, *size), plan, count=2)
    measured = (_kib("VmHWM") - before) * 1024
    print(
        f"{name:16} {dims}D batch {batch:2} of {'x'.join(map(str, size)):10} "
        f"foretold {foretold / 2**30:5.2f} GiB  measured {measured / 2**30:5.2f} GiB  "
        f"{foretold / measured - 1:+.0%}",
        flush=True,
    )


def _steps(step: Any, images: Any, plan: Any, *, count: int) -> None:
    """``count`` training steps on ``images``, with targets of any task."""
    import torch

    n, spatial = len(images), images.shape[2:]
    shape = (n, len(plan.regions), *spatial) if plan.regions else (n, *spatial)
    targets = {
        "mask": torch.zeros(shape, dtype=torch.long),
        "label": torch.zeros(n, dtype=torch.long),
    }
    for _ in range(count):
        step(images, targets, 1e-3)


def foretold_seconds(folder: Path) -> None:
    """Print what a run's plan foretold of it beside what it took, where report.json has it."""
    report = folder / "report.json"
    told = json.loads(report.read_text(encoding="utf-8")).get("predicted", {}) if report.is_file() else {}
    for what, row in told.items():
        print(
            f"{folder.name:16} {what:10} foretold {row['predicted']:8.2f} {row['unit']}  taken {row['taken']:8.2f} "
            f"{row['unit']}  {row['predicted'] / row['taken'] - 1:+.0%}"
        )


def _kib(key: str) -> int:
    return next(int(line.split()[1]) for line in PEAK.read_text().splitlines() if line.startswith(key))


def main() -> None:
    """Each case in a process of its own, which this file is started as, too: by number or by folder."""
    asked = sys.argv[1:]
    if len(asked) == 2 and asked[0] == "--one":
        if asked[1].isdigit():
            name, dims, batch, size = CASES[int(asked[1])]
            measure(planned(name, dims, batch, size), name)
        else:
            from overread.learn.plan import Plan

            text = (Path(asked[1]) / "plan.json").read_text(encoding="utf-8")
            plan = Plan.model_validate_json(text).model_copy(update={"precision": "float32"})
            measure(plan, Path(asked[1]).name)
        return
    for one in asked or map(str, range(len(CASES))):
        subprocess.run([sys.executable, __file__, "--one", one], check=False)
        if asked:
            foretold_seconds(Path(one))


if __name__ == "__main__":
    main()
