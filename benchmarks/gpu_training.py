"""Training on a GPU: bfloat16 against float32, NCCL with one process, what memory out of reach does.

Images and masks are made here (bright balls in noise), so that it runs on a bare machine: Python 3.12, torch 2.11 or
later, and the wheels of overread's training extra. Prints loss curves, images a second and peak memory as JSON lines,
and a sentence where there is no GPU.

    python -m benchmarks.gpu_training
    torchrun --standalone --nproc-per-node 1 -m benchmarks.gpu_training
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from overread.learn.example import Example
from overread.learn.fit import fit
from overread.learn.hardware import lacks_bfloat16
from overread.learn.plan import Plan
from overread.learn.precision import choose_precision
from overread.learn.processes import leave
from overread.learn.tasks.segmentation import with_places

STEPS = 200
TASKS = ("segmentation", "classification")


def main() -> None:
    """Each task in float32 and bfloat16, then what the loop chooses itself and what it does without memory."""
    if not torch.cuda.is_available():
        print("no GPU here: nothing is measured")
        return
    print(json.dumps({"gpu": torch.cuda.get_device_name(), "torch": str(torch.__version__)}))
    print(
        json.dumps(
            {"lacks_bfloat16": lacks_bfloat16(), "processes_by_torchrun": dist.is_torchelastic_launched()}
        )
    )
    for task in TASKS:
        plan, examples = made(task)
        curves = {}
        for precision in ("float32", "bfloat16"):
            found = trained(plan.model_copy(update={"precision": precision}), examples)
            curves[precision] = np.array(found.pop("losses"))
            print(json.dumps({"task": task, "precision": precision, **found}))
        smooth = {k: np.convolve(v, np.ones(20) / 20, "valid") for k, v in curves.items()}
        apart = np.abs(smooth["bfloat16"] - smooth["float32"])
        print(
            json.dumps(
                {
                    "task": task,
                    "largest difference of the losses, mean of 20 steps": round(float(apart.max()), 4),
                    "over the mean loss": round(float(apart.mean() / smooth["float32"].mean()), 4),
                    "every 20th loss": {k: [round(float(x), 4) for x in v[::20]] for k, v in smooth.items()},
                }
            )
        )
        chosen = choose_precision(plan.model_copy(update={"follow_clock": True}), examples)
        print(json.dumps({"task": task, "auto": chosen.name, "why": chosen.why, "seconds": chosen.seconds}))
    if not dist.is_torchelastic_launched():
        repeats()
        without_memory()
    leave()


def trained(plan: Plan, examples: list[Example]) -> dict[str, Any]:
    """Losses, images a second after the first steps, and peak memory."""
    losses: list[float] = []
    torch.cuda.reset_peak_memory_stats()
    marks: list[float] = []

    def note(live: Any) -> None:
        if live.epoch is None:
            losses.append(live.loss)
            marks.append(time.perf_counter())

    fitted = fit(plan, examples, [], note)
    warm = len(marks) // 5
    speed = plan.batch * (len(marks) - 1 - warm) / (marks[-1] - marks[warm])
    return {
        "losses": losses,
        "images_per_second": round(speed, 1),
        "peak_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2),
        "times": fitted.times.record(),
        "last_loss": round(losses[-1], 4),
        "processes": fitted.processes,
    }


def repeats() -> None:
    """Whether the same seed gives the same bits, as a plan that does not follow the clock promises."""
    for task in TASKS:
        plan, examples = made(task)
        short = plan.model_copy(update={"epochs": 1, "steps_per_epoch": 20})
        once, again = (fit(short, examples, []).network.state_dict() for _ in range(2))
        equal = all(torch.equal(v, again[k]) for k, v in once.items())
        print(json.dumps({"task": task, "same seed, same bits": equal}))


def without_memory() -> None:
    """A batch that does not fit into a part of the memory: smaller parts, and the training goes on."""
    plan, examples = made("segmentation")
    needed = trained(plan.model_copy(update={"epochs": 1, "steps_per_epoch": 5}), examples)["peak_gib"]
    torch.cuda.empty_cache()
    whole = torch.cuda.get_device_properties(0).total_memory / 2**30
    torch.cuda.set_per_process_memory_fraction(0.6 * needed / whole)
    fitted = fit(plan.model_copy(update={"epochs": 1, "steps_per_epoch": 5}), examples, [])
    torch.cuda.set_per_process_memory_fraction(1.0)
    said = [c["change"] for c in fitted.changes]
    print(json.dumps({"memory needed": needed, "allowed": round(0.6 * needed, 2), "changes": said}))


def made(task: str) -> tuple[Plan, list[Example]]:
    """A plan as it is made for a GPU, and cases to train on."""
    makers: dict[str, Callable[[], tuple[Plan, list[Example]]]] = {
        "segmentation": _balls,
        "classification": _discs,
    }
    return makers[task]()


def _plan(**changes: Any) -> Plan:
    base: dict[str, Any] = {
        "inputs": ["image"],
        "channels": ["image"],
        "augment": {"rotate_deg": 10, "scale": 0.1, "grey_values": {"noise": 0.1}},
        "learning_rate": 2e-3,
        "weight_decay": 1e-3,
        "epochs": 4,
        "most_epochs": 4,
        "follow_clock": False,
        "steps_per_epoch": STEPS // 4,
        "seconds_per_step": 0.1,
        "train_seconds": 600.0,
        "memory_gib": 0.0,
        "seed": 0,
        "reasons": [],
    }
    return Plan.model_validate(base | changes)


def _balls() -> tuple[Plan, list[Example]]:
    plan = _plan(
        task="segmentation",
        dimensions=3,
        labels=["background", "ball"],
        preprocess={"dimensions": 3, "intensity": [{"method": "zscore"}]},
        patch=[96, 96, 96],
        batch=4,
        network={
            "name": "unet",
            "arguments": {
                "widths": [32, 64, 128, 256, 320],
                "strides": [[1] * 3, *[[2] * 3] * 4],
                "kernels": [[3] * 3] * 5,
            },
            "parameters": 1,
        },
        loss={"name": "dice_cross_entropy"},
        foreground_share=0.5,
    )
    rng, grid = np.random.default_rng(0), np.indices((112, 112, 112), np.float32)
    examples = []
    for i in range(12):
        mask = np.zeros(grid.shape[1:], np.uint8)
        for _ in range(4):
            centre = rng.uniform(20, 92, (3, 1, 1, 1)).astype(np.float32)
            mask[((grid - centre) ** 2).sum(0) < rng.uniform(5, 14) ** 2] = 1
        image = mask + rng.normal(0, 0.7, mask.shape).astype(np.float32)
        examples.append(Example(str(i), image[None].astype(np.float32), with_places(mask)))
    return plan, examples


def _discs() -> tuple[Plan, list[Example]]:
    plan = _plan(
        task="classification",
        dimensions=2,
        labels=["none", "disc"],
        preprocess={"dimensions": 2, "size": [224, 224], "intensity": [{"method": "fixed"}]},
        patch=[224, 224],
        batch=64,
        network={
            "name": "resnet",
            "arguments": {"widths": [32, 64, 128, 256], "blocks": [2] * 4, "small_stem": False},
            "parameters": 1,
        },
        loss={"name": "cross_entropy"},
    )
    rng, grid = np.random.default_rng(0), np.indices((224, 224), np.float32)
    examples = []
    for i in range(256):
        centre = rng.uniform(40, 184, (2, 1, 1)).astype(np.float32)
        image = rng.normal(0, 1, grid.shape[1:]).astype(np.float32)
        image += 0.7 * (i % 2) * (((grid - centre) ** 2).sum(0) < 15**2)
        examples.append(Example(str(i), image[None].astype(np.float32), {"label": np.array(i % 2, np.int64)}))
    return plan, examples


if __name__ == "__main__":
    main()
