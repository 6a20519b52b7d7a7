"""Detection: boxes around objects, learnt as a heat map of their centres."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from overread.cohort.fingerprint import Fingerprint
from overread.cohort.truth.protocol import TruthValue
from overread.imaging.boxes import Boxes
from overread.imaging.image import Image
from overread.learn.augment.boxes import apply_boxes
from overread.learn.augment.change import apply
from overread.learn.augment.change import draw as draw_change
from overread.learn.augment.place import place_patch
from overread.learn.augment.random import generator
from overread.learn.centers import center_targets
from overread.learn.example import Arrays, Example
from overread.learn.losses.protocol import Tensors
from overread.learn.plan import Augment, Named, Plan
from overread.learn.planner.choice import Choice
from overread.learn.planner.network import planned
from overread.learn.planner.patch import coarse_axis, fit_patch, fit_size
from overread.learn.planner.room import Room
from overread.learn.planner.spacing import grid_size, median_spacing
from overread.nets.architecture import Need
from overread.nets.networks import architecture
from overread.runtime.manifest import Preprocess
from overread.runtime.preprocess import prepare_boxes

# Pictures in a batch: a whole one with its dozens of objects is much to learn from.
BATCH = {2: 4, 3: 2}


def grid(look: Fingerprint, room: Room) -> tuple[Mapping[str, Any], str]:
    """2D: one size for all, the median image's with its proportions kept. 3D: the median spacing."""
    if room.dimensions == 3:
        return median_spacing(look, room)
    made = architecture("centernet", answer="objects")
    size = fit_size(made, _need(look, room, look.median_shape, [1.0] * 2), room.voxels)
    shrunk = " in its proportions" if math.prod(size) < math.prod(look.median_shape) else ""
    return (
        {"size": size},
        f"Size {size}: the median image is {[round(n) for n in look.median_shape]}{shrunk}, "
        f"and {room.voxels} voxels is the most.",
    )


def choose(look: Fingerprint, room: Room, spec: Preprocess, limit: int) -> Choice:
    """A centre network on the whole picture, or on patches of a volume as large as machine and time allow."""
    median, d = grid_size(look, spec), room.dimensions
    spacing = spec.spacing or [1.0] * d
    made, need = architecture("centernet", answer="objects"), _need(look, room, median, spacing)
    patch, arguments = (spec.size, made.arguments(need)) if spec.size else fit_patch(made, need, limit)
    network = planned("centernet", room, arguments)
    objects = [round(s, 1) for s in need.object_size]
    reasons = [
        f"Patch {patch}: "
        + ("the whole image." if spec.size else f"the median image is {median}, the limit {limit} voxels."),
        f"Centre network with one cell per {list(made.stride(arguments, d))} voxels, "
        + (f"for objects of {objects} voxels, " if objects else "")
        + f"{network.parameters / 1e6:.1f} million parameters.",
        "Nothing is turned or bent: the box around a turned box is looser than one drawn anew.",
    ]
    augment = Augment(
        coarse_axis=coarse_axis(spacing),
        scale=0.2,
        shift=0.05,
        grey_values={"blur": 0.8, "gamma": 0.2, "contrast": 0.2, "brightness": 0.2, "noise": 0.1},
    )
    return Choice(
        patch=list(patch),
        batch=BATCH[d],
        network=network,
        loss=Named(name="center_focal"),
        augment=augment,
        learning_rate=2e-3,
        weight_decay=1e-3,
        steps_per_epoch=max(8, math.ceil(room.cases / BATCH[d])),
        most_epochs=500,
        foreground_share=0.0 if spec.size else 0.5,
        reasons=reasons,
    )


def _need(look: Fingerprint, room: Room, size: Sequence[float], spacing: Sequence[float]) -> Need:
    """Of the smallest kind of object: what serves it serves the larger ones."""
    smallest = min(look.size_mm.values(), default=None)
    mm = [have * n / m for have, n, m in zip(look.median_spacing, look.median_shape, size, strict=True)]
    objects = () if smallest is None else tuple(smallest / s for s in mm)
    return Need(room.dimensions, tuple(round(n) for n in size), tuple(spacing), room.gpu, objects)


def target(truth: TruthValue, image: Image, spec: Preprocess) -> Arrays:
    """``low``, ``high`` ``(n, d)`` and ``labels`` ``(n,)`` of the boxes on the network's grid."""
    assert isinstance(truth, Boxes)
    boxes = prepare_boxes(truth, image, spec)
    return {"low": boxes.low, "high": boxes.high, "labels": boxes.labels}


def draw(example: Example, plan: Plan, epoch: int, index: int) -> tuple[Tensor, Tensors]:
    """A patch, around an object (each label as often as the others) or anywhere, and what the network should say."""
    boxes = Boxes.of(**example.target, axes=plan.dimensions)
    start = place_patch(example.image.shape[1:], plan.patch, _centre(example, boxes, plan, epoch, index))
    change = draw_change(plan.augment, plan.dimensions, seed=plan.seed, epoch=epoch, index=index)
    spacing = plan.preprocess.spacing
    image, _ = apply(change, example.image, size=tuple(plan.patch), start=start, spacing=spacing)
    moved = apply_boxes(change.spatial, boxes, plan.patch, start=start, spacing=spacing)
    stride = architecture(plan.network.name).stride(plan.network.arguments, plan.dimensions)
    return image, center_targets(moved, plan.patch, stride=stride, labels=len(plan.labels))


def _centre(example: Example, boxes: Boxes, plan: Plan, epoch: int, index: int) -> NDArray[np.integer]:
    rng = generator(plan.seed, "place", epoch, index)
    spatial = example.image.shape[1:]
    if len(boxes) and rng.random() < plan.foreground_share:
        mine = boxes.where(boxes.labels == rng.choice(np.unique(boxes.labels)))
        k = rng.integers(len(mine))
        return np.array([math.floor(c) for c in mine.centre[k]])
    return np.array([rng.integers(n) for n in spatial])


def blank(plan: Plan, size: tuple[int, ...], rng: np.random.Generator) -> Arrays:
    """Some boxes anywhere."""
    n, d = 8, len(size)
    low = rng.uniform(0, 0.7, (n, d)) * size
    return {
        "low": low,
        "high": low + 0.2 * np.array(size),
        "labels": rng.integers(len(plan.labels), size=n),
    }


def score(outputs: Tensors, label: int) -> Tensor:
    """Sum of the label's logits at its peaks, those at least half as probable as the highest."""
    heat = outputs["heat"][:, label : label + 1]
    pool = F.max_pool2d if heat.ndim == 4 else F.max_pool3d
    p = heat.detach().sigmoid()
    axes = tuple(range(1, heat.ndim))
    peaks = (pool(p, 3, stride=1, padding=1) == p) & (p >= p.amax(axes, keepdim=True) / 2)
    return (heat * peaks).sum(axes)
