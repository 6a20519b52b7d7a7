"""Memory of a training step: foretold by the planner, and measured, each in a process of its own.

    python benchmarks/memory.py

Measured is the peak of resident memory (VmHWM of /proc) above what the process held before the network was built: two
steps of the very training step (`overread.learn.step.Step`) on random images, float32. Linux only.
"""

from __future__ import annotations

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
WARM = 64
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


def measure(at: int) -> None:
    """Print foretold and measured GiB of the case ``at``."""
    import torch

    from overread.learn.planner.memory import step_bytes
    from overread.learn.step import Step

    name, dims, batch, size = CASES[at]
    plan = planned(name, dims, batch, size)
    foretold = step_bytes(plan)
    small = plan.model_copy(update={"patch": [WARM] * dims, "batch": 2})
    targets = {
        "mask": torch.zeros((2, *[WARM] * dims), dtype=torch.long),
        "label": torch.zeros(2, dtype=torch.long),
    }
    Step(small)(torch.randn(2, 1, *[WARM] * dims), targets, 1e-3)
    before = _kib("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    step = Step(plan)
    targets = {
        "mask": torch.zeros((batch, *size), dtype=torch.long),
        "label": torch.zeros(batch, dtype=torch.long),
    }
    for _ in range(2):
        step(torch.randn(batch, 1, *size), targets, 1e-3)
    measured = (_kib("VmHWM") - before) * 1024
    print(
        f"{name:16} {dims}D batch {batch:2} of {'x'.join(map(str, size)):10} "
        f"foretold {foretold / 2**30:5.2f} GiB  measured {measured / 2**30:5.2f} GiB  "
        f"{foretold / measured - 1:+.0%}",
        flush=True,
    )


def _kib(key: str) -> int:
    return next(int(line.split()[1]) for line in PEAK.read_text().splitlines() if line.startswith(key))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(int(sys.argv[1]))
    else:
        for at in range(len(CASES)):
            subprocess.run([sys.executable, __file__, str(at)], check=False)
