"""Samples a second of a whole training epoch, beside the usual pipelines of MONAI and TorchIO.

An epoch draws a 96^3 patch of each of some volumes in memory, augments it (affine, elastic for half, gamma, noise) and
does a training step of the same small U-Net on it. One process, one thread, no workers: what a core does. Wall-clock
time of each epoch, all in turn; the median, with the smallest and the largest. ``--without-step`` leaves the network
out.

TorchIO 2 (``pip install torchio==2.0.0a2``) is left out where it is missing.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from overread.learn.example import Example
from overread.learn.patch_batches import PatchBatches
from overread.learn.plan import Augment, Named, Network, Plan
from overread.learn.step import Step
from overread.learn.tasks.segmentation import with_places

SIZE, PATCH, VOLUMES = 128, 96, 8
WIDTHS = [8, 16, 32, 64]
Epoch = Callable[[], Iterator[tuple[Any, Any]]]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-step", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    volumes = _volumes()
    epochs: dict[str, Epoch] = {"overread": _ours(volumes), "MONAI": _monai(volumes)}
    try:
        epochs["TorchIO 2"] = _torchio(volumes)
    except ModuleNotFoundError as missing:
        print(f"left out: {missing}")
    step = None if asked.without_step else Step(_plan(), precision="float32")
    found: dict[str, list[float]] = {name: [] for name in epochs}
    for turn in range(asked.rounds + 1):
        for name, made in epochs.items():
            began, count = time.perf_counter(), 0
            for image, mask in made():
                count += len(image)
                if step is not None:
                    step(image, {"mask": mask}, 1e-3)
            if turn:
                found[name].append(count / (time.perf_counter() - began))
    table = Table(f"{PATCH}^3 patches", "samples a second", "of overread's")
    mine = statistics.median(found["overread"])
    for name, speeds in found.items():
        middle = statistics.median(speeds)
        table.add_row(name, f"{middle:.2f} ({min(speeds):.2f} to {max(speeds):.2f})", f"{middle / mine:.2f}")
    Console().print(table)


def _volumes() -> list[tuple[Any, Any]]:
    rng, out = np.random.default_rng(0), []
    away = np.linalg.norm(np.indices((SIZE,) * 3) - SIZE / 2, axis=0)
    for i in range(VOLUMES):
        mask = (away < SIZE / 5 + i).astype(np.uint8)
        out.append(((rng.normal(size=(1, *[SIZE] * 3)) + mask).astype(np.float32), mask))
    return out


def _plan() -> Plan:
    stages = [[1] * 3, *[[2] * 3] * (len(WIDTHS) - 1)]
    unet = {"widths": WIDTHS, "strides": stages, "kernels": [[3] * 3] * len(WIDTHS)}
    return Plan(
        task="segmentation",
        dimensions=3,
        inputs=["image"],
        channels=["image"],
        labels=["background", "organ"],
        preprocess={"dimensions": 3, "intensity": [{"method": "fixed"}]},  # type: ignore[arg-type]
        patch=[PATCH] * 3,
        batch=1,
        network=Network(name="unet", arguments=unet, parameters=1),
        loss=Named(name="dice_cross_entropy"),
        augment=Augment(
            rotate_deg=15, scale=0.15, shift=0.03, elastic=0.06, grey_values={"gamma": 0.2, "noise": 0.1}
        ),
        learning_rate=1e-3,
        weight_decay=1e-3,
        foreground_share=0.5,
        epochs=1,
        most_epochs=1,
        follow_clock=False,
        steps_per_epoch=VOLUMES,
        seconds_per_step=0.0,
        train_seconds=0.0,
        memory_gib=0.0,
        seed=0,
        reasons=[],
    )


def _ours(volumes: list[tuple[Any, Any]]) -> Epoch:
    examples = [Example(str(i), image, with_places(mask)) for i, (image, mask) in enumerate(volumes)]
    batches = PatchBatches(_plan(), examples)
    return lambda: ((image, targets["mask"]) for image, targets in batches.epoch(0))


def _monai(volumes: list[tuple[Any, Any]]) -> Epoch:
    from monai.data import DataLoader, Dataset
    from monai.transforms import (
        Compose,
        Rand3DElasticd,
        RandAdjustContrastd,
        RandCropByPosNegLabeld,
        RandGaussianNoised,
    )

    keys = ["image", "label"]
    transform = Compose(
        [
            RandCropByPosNegLabeld(keys, "label", (PATCH,) * 3, num_samples=1),
            Rand3DElasticd(
                keys,
                sigma_range=(5, 7),
                magnitude_range=(50, 150),
                prob=0.5,
                rotate_range=(0.26,) * 3,
                scale_range=(0.15,) * 3,
                translate_range=(3,) * 3,
                mode=["bilinear", "nearest"],
                padding_mode="border",
            ),
            RandAdjustContrastd("image", prob=1, gamma=(0.8, 1.2), retain_stats=True),
            RandGaussianNoised("image", prob=0.5, std=0.1),
        ]
    )
    items = [{"image": torch.from_numpy(i), "label": torch.from_numpy(m[None])} for i, m in volumes]
    loader = DataLoader(Dataset(items, transform), batch_size=1, shuffle=True, num_workers=0)
    return lambda: ((b["image"].as_tensor(), b["label"].as_tensor()[:, 0].to(torch.uint8)) for b in loader)


def _torchio(volumes: list[tuple[Any, Any]]) -> Epoch:
    import torchio

    if int(torchio.__version__.split(".")[0]) < 2:
        raise ModuleNotFoundError("torchio 2")
    transform = torchio.Compose(
        [
            torchio.Spatial(
                scales=(0.85, 1.15),
                degrees=(-15, 15),
                translation=(-3, 3),
                num_control_points=7,
                max_displacement=6.0,
            ),
            torchio.Noise(std=(0, 0.1), p=0.5),
            torchio.Gamma(log_gamma=(-0.2, 0.2)),
        ]
    )
    rng = np.random.default_rng(0)

    def epoch() -> Iterator[tuple[Any, Any]]:
        for i in rng.permutation(len(volumes)):
            image, mask = volumes[i]
            part = tuple(slice(a, a + PATCH) for a in rng.integers(0, SIZE - PATCH + 1, 3))
            changed = transform(
                torchio.Subject(
                    image=torchio.ScalarImage(torch.from_numpy(image[(slice(None), *part)].copy())),
                    label=torchio.LabelMap(torch.from_numpy(mask[part][None].copy())),
                )
            )
            yield changed["image"].data[None], changed["label"].data.to(torch.uint8)

    return epoch


if __name__ == "__main__":
    main()
