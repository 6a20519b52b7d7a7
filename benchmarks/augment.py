"""Augmentation of one volume and its label map, affine + elastic + noise + gamma, beside the libraries of the field.

CPU seconds of the process on one thread, every library in turn in each round; the ratio is the median over rounds, with
the smallest and the largest. All parts are switched on for every image. Deformations are of comparable size (7 to 10
control points, displacements of up to 7.5 voxels), not identical distributions. Ours, and batchgeneratorsv2 as it is
by default, give each voxel the label with the largest share; MONAI, TorchIO and batchgeneratorsv2's faster setting read
the nearest label.

The incumbents are no dependencies: ``pip install monai batchgeneratorsv2==0.3.6 torchio==2.0.0a2``. Those that are
missing are left out.
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

from overread.learn.augment.change import Change, apply, draw
from overread.learn.plan import Augment

SIZE = 128
ROUNDS = 7
DISPLACEMENT = 7.5
SPEC = Augment(
    rotate_deg=15,
    scale=0.15,
    shift=0.03,
    elastic=DISPLACEMENT / SIZE,
    grey_values={"gamma": 0.2, "noise": 0.1},
)

Job = Callable[[], object]


def main() -> None:
    """Print the ratio table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    compare(asked.rounds)


def compare(rounds: int) -> None:
    """One image and label at a time."""
    table = Table(
        f"{SIZE}^3, image + label",
        "library",
        "CPU s",
        "ratio to overread",
        title="affine + elastic + noise + gamma",
    )
    for name, (image, label) in volumes().items():
        jobs = {"overread": ours(image, label), **incumbents(image, label)}
        found = in_turn(jobs, rounds)
        for library, seconds in found.items():
            ratios = sorted(s / o for s, o in zip(seconds, found["overread"], strict=True))
            ratio = f"{statistics.median(ratios):.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})"
            table.add_row(name, library, f"{statistics.median(seconds):.3f}", ratio)
            name = ""
    Console(width=120).print(table)


def volumes() -> dict[str, tuple[Any, Any]]:
    """Images of a smooth head with noise, and label maps of one, two and ten labels."""
    rng = np.random.default_rng(0)
    at = np.indices((SIZE,) * 3)
    away = np.linalg.norm(at - SIZE / 2, axis=0)
    image = torch.from_numpy((rng.normal(size=(1, *[SIZE] * 3)) + (away < SIZE / 3)).astype(np.float32))
    labels = {
        "organ": away < SIZE / 4,
        "organ and lesion": (away < SIZE / 4).astype(np.uint8) + (away < SIZE / 12),
        "10 organs": (at // (SIZE // 4)).sum(axis=0),
    }
    return {name: (image, torch.from_numpy(label.astype(np.uint8))) for name, label in labels.items()}


def full_changes(spec: Augment = SPEC) -> Iterator[Change]:
    """Changes in which every part of ``spec`` is drawn."""
    index = 0
    while True:
        change = draw(spec, 3, seed=0, epoch=0, index=index)
        if change.spatial.control is not None and set(change.grey_values) == set(spec.grey_values):
            yield change
        index += 1


def ours(image: Any, label: Any) -> Job:
    """Parameters are drawn within the time, as the others do."""
    changes = full_changes()
    return lambda: apply(next(changes), image, label)


def incumbents(image: Any, label: Any) -> dict[str, Job]:
    """Those that are installed."""
    found: dict[str, Job] = {}
    for make in (_batchgenerators, _torchio, _monai):
        try:
            found |= make(image, label)
        except ModuleNotFoundError as missing:
            print(f"left out: {missing}")
    return found


def _batchgenerators(image: Any, label: Any) -> dict[str, Job]:
    from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
    from batchgeneratorsv2.transforms.intensity.gaussian_noise import GaussianNoiseTransform
    from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
    from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms

    def job(mode: str) -> Job:
        transform = ComposeTransforms(
            [
                SpatialTransform(
                    (SIZE,) * 3,
                    patch_center_dist_from_border=0,
                    random_crop=False,
                    p_elastic_deform=1,
                    elastic_deform_scale=(0.1, 0.15),
                    elastic_deform_magnitude=(DISPLACEMENT / 2, DISPLACEMENT),
                    p_rotation=1,
                    rotation=(-0.26, 0.26),
                    p_scaling=1,
                    scaling=(0.85, 1.15),
                    mode_seg=mode,
                    padding_mode_image="border",
                    border_mode_seg="border",
                ),
                GaussianNoiseTransform((0, 0.1), p_per_channel=1),
                GammaTransform((0.8, 1.2), 0, True, p_per_channel=1, p_retain_stats=1),
            ]
        )
        return lambda: transform(image=image.clone(), segmentation=label[None].clone())

    return {
        "batchgeneratorsv2, nearest": job("nearest"),
        "batchgeneratorsv2, largest share": job("bilinear"),
    }


def _torchio(image: Any, label: Any) -> dict[str, Job]:
    import torchio

    spatial = {"scales": (0.85, 1.15), "degrees": (-15, 15), "translation": (-4, 4)}
    if int(torchio.__version__.split(".")[0]) < 2:
        raise ModuleNotFoundError("torchio 2")
    transform = torchio.Compose(
        [
            torchio.Spatial(**spatial, num_control_points=7, max_displacement=DISPLACEMENT),
            torchio.Noise(std=(0, 0.1)),
            torchio.Gamma(log_gamma=(-0.2, 0.2)),
        ]
    )
    return {
        "TorchIO 2": lambda: transform(
            torchio.Subject(
                image=torchio.ScalarImage(image.clone()), label=torchio.LabelMap(label[None].clone())
            )
        )
    }


def _monai(image: Any, label: Any) -> dict[str, Job]:
    from monai.transforms import Compose, Rand3DElasticd, RandAdjustContrastd, RandGaussianNoised

    keys = ["image", "label"]
    transform = Compose(
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
            RandAdjustContrastd("image", prob=1, gamma=(0.8, 1.2), retain_stats=True),
            RandGaussianNoised("image", prob=1, std=0.1),
        ]
    )
    return {"MONAI": lambda: transform({"image": image.clone(), "label": label[None].clone()})}


def in_turn(jobs: dict[str, Job], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of each job in each round, after one round of warm-up."""
    found: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(rounds + 1):
        for name, job in jobs.items():
            began = time.process_time()
            job()
            if turn:
                found[name].append(time.process_time() - began)
    return found


if __name__ == "__main__":
    main()
