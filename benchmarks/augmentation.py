"""Augmentation of one 3D image and its label map: affine + elastic + noise + gamma, ours beside MONAI's.

Ours reads labels by their largest share, MONAI's the nearest one. CPU seconds of the process on one thread, median of
the repetitions, both in one run. Deformations are of comparable size (control points 7 to 10, displacements of a few
voxels), not identical distributions.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from overread.learn.augment.change import apply, draw
from overread.learn.plan import Augment

SIZE = 128
REPEATS = 5


def main() -> None:
    """Print the ratio table."""
    from monai.transforms import Compose, Rand3DElasticd, RandAdjustContrastd, RandGaussianNoised

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    image: Any = torch.from_numpy(rng.normal(size=(1, SIZE, SIZE, SIZE)).astype(np.float32))
    away = np.linalg.norm(np.indices((SIZE,) * 3) - SIZE / 2, axis=0)
    labels = {
        "organ": torch.from_numpy((away < SIZE / 4).astype(np.uint8)),
        "organ and lesion": torch.from_numpy((away < SIZE / 4).astype(np.uint8) + (away < SIZE / 12)),
        "10 organs": torch.from_numpy((np.indices((SIZE,) * 3) // (SIZE // 4)).sum(axis=0).astype(np.uint8)),
        "noise of 3 labels": torch.from_numpy(rng.integers(0, 3, (SIZE,) * 3).astype(np.uint8)),
    }
    spec = Augment(
        rotate_deg=15, scale=0.15, shift=0.03, elastic=0.06, grey_values={"gamma": 0.2, "noise": 0.1}
    )
    changes_drawn = (draw(spec, 3, seed=0, epoch=0, index=i) for i in range(50))
    drawn = [c for c in changes_drawn if c.spatial.control is not None]

    keys = ["image", "label"]
    incumbent = Compose(
        [
            Rand3DElasticd(
                keys,
                sigma_range=(5, 7),
                magnitude_range=(50, 150),
                prob=1,
                rotate_range=(0.26,) * 3,
                scale_range=(0.15,) * 3,
                translate_range=(4,) * 3,
                mode=["bilinear", "nearest"],
                padding_mode="border",
            ),
            RandAdjustContrastd("image", prob=1, gamma=(0.8, 1.2)),
            RandGaussianNoised("image", prob=1, std=0.1),
        ]
    )

    def ours(label: Any) -> Callable[[], None]:
        changes = iter(drawn[: REPEATS + 1])
        return lambda: apply(next(changes), image, label) and None

    def monai(label: Any) -> Callable[[], None]:
        return lambda: incumbent({"image": image.clone(), "label": label[None].clone()}) and None

    table = Table("augmentation of 128^3, image + label", "overread, CPU s", "MONAI, CPU s", "ratio")
    for name, label in labels.items():
        mine, theirs = cpu_seconds(ours(label)), cpu_seconds(monai(label))
        table.add_row(name, f"{mine:.3f}", f"{theirs:.3f}", f"{theirs / mine:.1f} times faster")
    Console().print(table)


def cpu_seconds(job: Callable[[], None]) -> float:
    """Median CPU seconds of ``job`` after one warm-up."""
    job()
    out = []
    for _ in range(REPEATS):
        began = time.process_time()
        job()
        out.append(time.process_time() - began)
    return statistics.median(out)


if __name__ == "__main__":
    main()
