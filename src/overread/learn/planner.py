"""From what the training cases look like and how long training may take to a Plan."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from overread.cohort.fingerprint import Fingerprint
from overread.learn.intensity import choose_intensity
from overread.learn.losses import loss_of
from overread.learn.memory_format import in_format, memory_format
from overread.learn.plan import Augment, Network, Plan
from overread.nets.build import build, parameters_of
from overread.runtime.manifest import Preprocess
from overread.runtime.sliding_window import OVERLAP, starts

# The most voxels that the network sees at once.
CPU_PATCH = {2: 256 * 256, 3: 64 * 64 * 48}
GPU_PATCH = {2: 512 * 512, 3: 128 * 128 * 96}
CLASSIFICATION_SIZE = {2: 224, 3: 96}
MAX_EPOCHS = {"classification": 200, "segmentation": 1000}
SMALLEST_FEATURE_MAP = 4
FEWEST_STAGES = 3
# Below this many steps a segmentation network has hardly begun: smaller patches buy more of them.
FEWEST_STEPS = 500
LEAST_STEPS_TIMED, LEAST_SECONDS_TIMED = 6, 3.0
# A step is this many times as long as answering its windows in ONNX Runtime, with reading and resampling; measured.
FASTER = 1.7
# Export, report and start-up.
OTHER_SECONDS = 18.0
SMALLEST_PATCH = {2: 64 * 64, 3: 32 * 32 * 32}
SMALL_IMAGE = 64


def make_plan(
    fingerprint: Fingerprint,
    *,
    task: str,
    dimensions: int,
    channels: Sequence[str],
    labels: Sequence[str],
    modality: Sequence[str],
    body_part: Sequence[str] = (),
    train_cases: int,
    answered_cases: int,
    seconds_left: float,
    seed: int = 0,
) -> Plan:
    """Choose grid, patch, network, batch, augmentation and epochs.

    ``seconds_left`` is the wall-clock time for training and for answering ``answered_cases`` (tuning, test and
    explained cases) afterwards; the epochs follow from the speed of some steps that are run here, on this machine.
    The rules for spacing, patch and strides follow nnU-Net
    (Isensee 2021, doi 10.1038/s41592-020-01008-z) with patches small enough for the machine.
    """
    gpu = torch.cuda.is_available()
    reasons: list[str] = []
    gray = fingerprint.color != "rgb"
    names = list(channels) if gray else [f"{channels[0]}_{c}" for c in ("red", "green", "blue")]
    grid = (
        _classification_grid(fingerprint, dimensions, reasons)
        if task == "classification"
        else _spacing(fingerprint, dimensions, reasons)
    )
    intensity, why_intensity = choose_intensity(
        fingerprint.intensity, task=task, modality=modality, body_part=body_part, channels=len(names)
    )
    reasons.append(why_intensity)
    preprocess = Preprocess(
        dimensions=2 if dimensions == 2 else 3,
        color=("gray" if gray else "rgb") if dimensions == 2 and len(channels) == 1 else "as_is",
        orientation="RAS" if dimensions == 3 else None,
        intensity=intensity,
        **grid,
    )
    if task == "classification":
        patch, batch, network, augment = _classification(
            preprocess, dimensions, len(names), len(labels), reasons
        )
        steps = math.ceil(train_cases / batch)
        rate, decay, share = 2e-3, 0.05, 0.0
        seconds, memory = _measure(task, dimensions, len(names), len(labels), network, patch, batch)
        train_seconds = _train_seconds(seconds_left, answered_cases * seconds / batch)
    else:
        median = _grid_size(fingerprint, preprocess)
        limit = (GPU_PATCH if gpu else CPU_PATCH)[dimensions]
        while True:
            why: list[str] = []
            patch, batch, network, augment = _segmentation(
                median, limit, preprocess, dimensions, len(names), len(labels), gpu, why
            )
            seconds, memory = _measure(task, dimensions, len(names), len(labels), network, patch, batch)
            windows = math.prod(
                len(starts(max(n, p), p, OVERLAP)) for n, p in zip(median, patch, strict=True)
            )
            train_seconds = _train_seconds(seconds_left, answered_cases * windows * seconds / batch / FASTER)
            if train_seconds / seconds >= FEWEST_STEPS or math.prod(patch) // 2 < SMALLEST_PATCH[dimensions]:
                break
            limit = math.prod(patch) // 2
        reasons += why
        steps = max(8, math.ceil(train_cases / batch))
        rate, decay, share = 2e-3, 1e-3, 0.5
    epochs = int(min(MAX_EPOCHS[task], max(2, train_seconds / (steps * seconds))))
    reasons.append(
        f"About {epochs} epochs of {steps} steps: one step took {seconds:.3f} s here, "
        f"and training may take {train_seconds:.0f} s."
    )
    return Plan(
        task="classification" if task == "classification" else "segmentation",
        dimensions=2 if dimensions == 2 else 3,
        inputs=list(channels),
        channels=names,
        labels=list(labels),
        preprocess=preprocess,
        patch=list(patch),
        batch=batch,
        network=network,
        augment=augment,
        learning_rate=rate,
        weight_decay=decay,
        foreground_share=share,
        epochs=epochs,
        most_epochs=MAX_EPOCHS[task],
        steps_per_epoch=steps,
        seconds_per_step=round(seconds, 4),
        train_seconds=round(train_seconds, 1),
        memory_gib=round(memory, 2),
        seed=seed,
        reasons=reasons,
    )


def _train_seconds(left: float, answering: float) -> float:
    """What is left for training when all cases have been answered; never under a third, whatever they take."""
    return max(left / 3, left - answering - OTHER_SECONDS)


def _classification_grid(f: Fingerprint, dimensions: int, reasons: list[str]) -> dict[str, Any]:
    cap = CLASSIFICATION_SIZE[dimensions]
    size = [min(cap, max(16, round(n))) for n in f.median_shape]
    reasons.append(
        f"Size {size}: the median image is {list(f.median_shape)}, and {cap} per axis is the most."
    )
    return {"size": size}


def _spacing(f: Fingerprint, dimensions: int, reasons: list[str]) -> dict[str, Any]:
    if dimensions == 2:
        reasons.append(
            "Images keep their own pixels: 2D images without a common physical scale are not resampled."
        )
        return {}
    spacing = [round(s, 4) for s in f.median_spacing]
    reasons.append(f"Spacing {spacing} mm: the median of the training cases.")
    return {"spacing": spacing}


def _grid_size(f: Fingerprint, spec: Preprocess) -> list[int]:
    """The median image's size on the network's grid."""
    if not spec.spacing:
        return [round(n) for n in f.median_shape]
    return [
        max(1, round(n * have / want))
        for n, have, want in zip(f.median_shape, f.median_spacing, spec.spacing, strict=True)
    ]


def _classification(
    spec: Preprocess, dimensions: int, channels: int, labels: int, reasons: list[str]
) -> tuple[list[int], int, Network, Augment]:
    assert spec.size is not None
    small = max(spec.size) <= SMALL_IMAGE
    arguments = {
        "widths": [32, 64, 128, 256],
        "blocks": [1, 1, 1, 1] if small else [2, 2, 2, 2],
        "small_stem": small,
    }
    network = Network(
        name="resnet",
        arguments=arguments,
        parameters=parameters_of(build("resnet", dimensions, channels, labels, arguments)),
    )
    reasons.append(
        f"ResNet, {network.parameters / 1e6:.1f} million parameters, "
        f"{'full-resolution' if small else 'strided'} first layer."
    )
    # Mirroring would swap the heart's side in a chest and the laterality of every finding: left out.
    augment = Augment(
        rotate_deg=10, scale=0.1, shift=0.05, brightness=0.2, contrast=0.2, gamma=0.2, noise=0.1
    )
    return spec.size, 64 if dimensions == 2 else 8, network, augment


def _segmentation(
    median: Sequence[int],
    limit: int,
    spec: Preprocess,
    dimensions: int,
    channels: int,
    labels: int,
    gpu: bool,
    reasons: list[str],
) -> tuple[list[int], int, Network, Augment]:
    spacing = spec.spacing or [1.0] * dimensions
    patch, strides, kernels = fit_patch(median, spacing, limit)
    whole = all(p >= n for p, n in zip(patch, median, strict=True))
    reasons.append(
        f"Patch {patch}: the median image is {list(median)}"
        + (" and fits whole." if whole else f", and {limit} voxels is the most that machine and time allow.")
    )
    base = 32 if gpu or dimensions == 2 else 16
    widths = [min(base * 2**i, 512 if dimensions == 2 else 320) for i in range(len(strides))]
    arguments = {"widths": widths, "strides": strides, "kernels": kernels}
    network = Network(
        name="unet",
        arguments=arguments,
        parameters=parameters_of(build("unet", dimensions, channels, labels, arguments)),
    )
    reasons.append(
        f"U-Net of {len(strides)} stages from {base} channels, {network.parameters / 1e6:.1f} million parameters."
    )
    coarse = int(np.argmax(spacing)) if max(spacing) > 3 * min(spacing) else None
    augment = Augment(
        coarse_axis=coarse,
        rotate_deg=15,
        scale=0.15,
        shift=0.03,
        elastic=0.03,
        brightness=0.2,
        contrast=0.2,
        gamma=0.2,
        noise=0.1,
        blur=0.8,
    )
    return patch, 2 if dimensions == 3 else max(2, min(16, limit // math.prod(patch))), network, augment


def fit_patch(
    size: Sequence[int], spacing: Sequence[float], limit: int
) -> tuple[list[int], list[list[int]], list[list[int]]]:
    """Patch of at most ``limit`` voxels inside ``size``, with the U-Net strides and kernels that go with it.

    An axis is halved while it keeps at least 4 voxels and its spacing is not over twice the finest (nnU-Net's
    rule); sizes are rounded up to a multiple of what the strides need.
    """
    size = list(size)
    while True:
        strides, kernels = _stages(size, spacing)
        need = [math.prod(s[a] for s in strides) for a in range(len(size))]
        patch = [math.ceil(n / m) * m for n, m in zip(size, need, strict=True)]
        if math.prod(patch) <= limit:
            return patch, strides, kernels
        # Shrink the axis that is longest in mm, to the next multiple below.
        extent = [p * s if p > m else -1.0 for p, s, m in zip(patch, spacing, need, strict=True)]
        axis = int(np.argmax(extent))
        size[axis] = patch[axis] - need[axis]
        if extent[axis] < 0:
            return patch, strides, kernels


def _stages(size: Sequence[int], spacing: Sequence[float]) -> tuple[list[list[int]], list[list[int]]]:
    d = len(size)
    now, mm = list(map(float, size)), list(map(float, spacing))
    strides, kernels = [[1] * d], [[3 if s <= 2 * min(mm) else 1 for s in mm]]
    while len(strides) < (6 if d == 2 else 5):
        finest = min(mm)
        stride = [
            2 if n >= 2 * SMALLEST_FEATURE_MAP and s <= 2 * finest else 1
            for n, s in zip(now, mm, strict=True)
        ]
        if max(stride) == 1 and len(strides) >= FEWEST_STAGES:
            break
        now = [n / s for n, s in zip(now, stride, strict=True)]
        mm = [m * s for m, s in zip(mm, stride, strict=True)]
        strides.append(stride)
        kernels.append([3 if m <= 2 * min(mm) else 1 for m in mm])
    return strides, kernels


def _measure(
    task: str, dimensions: int, channels: int, labels: int, network: Network, patch: Sequence[int], batch: int
) -> tuple[float, float]:
    """Seconds of a training step on random data, and peak GiB of memory.

    The fastest of some seconds' steps is taken: what else runs on the machine only slows it, and the training
    loop follows the clock where that goes on.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    form = memory_format(dimensions)
    model = in_format(build(network.name, dimensions, channels, labels, network.arguments).to(device), form)
    optimizer = torch.optim.AdamW(model.parameters())
    loss = loss_of(task)
    x = torch.randn(batch, channels, *patch, device=device).to(memory_format=form)
    y = torch.randint(labels, (batch,) if task == "classification" else (batch, *patch), device=device)
    seconds: list[float] = []
    while len(seconds) < LEAST_STEPS_TIMED or sum(seconds) < LEAST_SECONDS_TIMED:
        began = time.perf_counter()
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    memory = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else _peak_gib()
    return min(seconds), memory


def _peak_gib() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
