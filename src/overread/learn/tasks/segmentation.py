"""Segmentation: a label for every voxel, learnt on patches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from overread.cohort.fingerprint import Fingerprint
from overread.cohort.truth.protocol import TruthValue
from overread.cohort.truth.unknown import UNKNOWN, unstated
from overread.imaging.grid.components import components
from overread.imaging.image import Image
from overread.learn.augment.change import apply
from overread.learn.augment.change import draw as draw_change
from overread.learn.augment.place import place_patch
from overread.learn.augment.random import generator
from overread.learn.example import Arrays, Example
from overread.learn.losses.protocol import Tensors
from overread.learn.plan import Augment, Named, Plan
from overread.learn.planner.batch import choose_batch
from overread.learn.planner.choice import Choice
from overread.learn.planner.foreground import choose_foreground_share
from overread.learn.planner.network import planned
from overread.learn.planner.patch import coarse_axis, fit_patch, object_limit
from overread.learn.planner.room import Room
from overread.learn.planner.spacing import grid_size, median_spacing
from overread.nets.architecture import Need
from overread.nets.networks import architecture
from overread.runtime.manifest import Preprocess
from overread.runtime.preprocess import prepare_mask
from overread.runtime.regions import structures

# Of each label in each case, the voxels that are kept to choose patches around.
PLACES = 2048


def grid(look: Fingerprint, room: Room) -> tuple[Mapping[str, Any], str]:
    """The median spacing of volumes; pictures keep their pixels, or the room's share of them."""
    return median_spacing(look, room)


def choose(look: Fingerprint, room: Room, spec: Preprocess, limit: int) -> Choice:
    """A U-Net on patches by nnU-Net's rules, as large as objects, machine and time ask for; cross-entropy and Dice."""
    median, d = grid_size(look, spec), room.dimensions
    spacing = spec.spacing or [1.0] * d
    need = Need(
        d,
        tuple(median),
        tuple(spacing),
        room.gpu,
        first_stride=room.first_stride,
        first_width=room.first_width,
        widest=room.widest,
    )
    # mm, or pixels, to voxels of the grid: thick slices count by their mean.
    voxel = math.prod(spacing) ** (1 / d) if d == 3 else math.prod(look.median_spacing) ** 0.5 / room.zoom
    extents = {name: e["typical"] / voxel for name, e in look.extent_mm.items()}
    wanted = object_limit(list(extents.values()), dimensions=d, limit=limit)
    patch, arguments = fit_patch(architecture("unet", answer="label_map"), need, wanted)
    network = planned("unet", room, arguments)
    whole = all(p >= n for p, n in zip(patch, median, strict=True))
    largest = max(extents.values(), default=0.0)
    # Vessels and membranes are one large object and thin everywhere: a blob as wide as they are counts.
    blobs = {k: min(e, d * look.width_mm.get(k, math.inf) / voxel) for k, e in extents.items()}
    share, why_share = choose_foreground_share(patch, look.foreground_fraction, blobs)
    why = (
        " and fits whole."
        if whole
        else f", and {limit} voxels is the most that machine and time allow."
        if wanted == limit
        else f", and this shows a typical object of {largest:.0f} voxels with what is around it."
    )
    half = " that begins at half resolution" if room.first_stride > 1 else ""
    reasons = [
        f"Patch {patch}: the median image is {median}{why}",
        f"U-Net of {len(arguments['strides'])} stages from {arguments['widths'][0]} channels{half}, "
        f"{network.parameters / 1e6:.1f} million parameters.",
        *([] if whole else [why_share]),
    ]
    augment = Augment(
        coarse_axis=coarse_axis(spacing),
        rotate_deg=15,
        scale=0.2,
        shift=0.03,
        elastic=0.03,
        grey_values={"blur": 0.8, "gamma": 0.2, "contrast": 0.2, "brightness": 0.2, "noise": 0.1},
    )
    batch = choose_batch(patch, dimensions=d)
    return Choice(
        patch=patch,
        batch=batch,
        network=network,
        loss=Named(name="dice_cross_entropy"),
        augment=augment,
        learning_rate=2e-3,
        weight_decay=1e-3,
        steps_per_epoch=max(8, math.ceil(room.cases / batch)),
        most_epochs=1000,
        foreground_share=0.0 if whole else share,
        reasons=reasons,
        rate_by_steps=True,
    )


def target(truth: TruthValue, image: Image, spec: Preprocess) -> Arrays:
    """``mask`` ``(*grid)`` uint8, and ``places`` ``(n, 2)``: label and flat index of foreground voxels.

    ``unstated``: the labels that the mask says nothing of.
    """
    assert isinstance(truth, np.ndarray)
    made = with_places(prepare_mask(np.asarray(truth), image, spec))
    return made | {"unstated": np.array(unstated(truth), np.int64)}


def with_places(mask: NDArray[np.uint8]) -> Arrays:
    """The target of a label map on the network's grid: of each label `PLACES` voxels, drawn with replacement.

    First a part of the label is drawn, then any voxel of it: a lesion is seen as often as it is long, not as it is
    large, or the small ones would hardly be learnt. Nor is each part seen as often as the others, for then a stray
    voxel beside an organ would be as much as the organ.
    """
    rng, places = np.random.default_rng(0), [np.zeros((0, 2), np.int64)]
    for label in np.unique(mask[(mask > 0) & (mask != UNKNOWN)]):
        parts, count = components(mask == label)
        voxels = np.flatnonzero(parts)
        part = parts.ravel()[voxels].astype(np.int64) - 1
        voxels = voxels[np.argsort(part, kind="stable")]
        sizes = np.bincount(part, minlength=count)
        length = sizes ** (1 / mask.ndim)
        drawn = rng.choice(count, PLACES, p=length / length.sum())
        first = np.cumsum(sizes) - sizes
        voxels = voxels[first[drawn] + rng.integers(sizes[drawn])]
        places.append(np.column_stack([np.full(PLACES, label, np.int64), voxels]))
    return {"mask": mask, "places": np.concatenate(places)}


def draw(example: Example, plan: Plan, epoch: int, index: int) -> tuple[Tensor, Tensors]:
    """A patch, around a voxel of a label (each as often as the others) or anywhere, and its ``mask``."""
    mask = example.target["mask"]
    image, label = apply(
        draw_change(plan.augment, plan.dimensions, seed=plan.seed, epoch=epoch, index=index),
        example.image,
        mask,
        size=tuple(plan.patch),
        start=place_patch(mask.shape, plan.patch, _centre(example, plan, epoch, index)),
        spacing=plan.preprocess.spacing,
    )
    assert label is not None
    return image, taught(label, example, plan)


def taught(mask: Tensor, example: Example, plan: Plan) -> Tensors:
    """``mask`` as the loss reads it (`overread.learn.losses.dense`).

    Of regions one channel each, 1 where it lies, unknown where the mask is; ``valid`` ``(channels,)`` where masks leave
    labels open, false for a region of which any label is.
    """
    values = structures(plan.labels, plan.regions)
    targets = {"mask": mask}
    if plan.regions:
        each = [torch.isin(mask, torch.tensor(v, dtype=mask.dtype)).to(mask.dtype) for v in values.values()]
        targets["mask"] = torch.stack(each).masked_fill_(mask == UNKNOWN, UNKNOWN)
    if plan.partly_labelled:
        open_ = set(np.asarray(example.target.get("unstated", ())).tolist())
        stated = [open_.isdisjoint(v) for v in values.values()]
        targets["valid"] = torch.tensor(stated if plan.regions else [True, *stated])
    return targets


def _centre(example: Example, plan: Plan, epoch: int, index: int) -> NDArray[np.integer]:
    rng = generator(plan.seed, "place", epoch, index)
    spatial, places = example.target["mask"].shape, example.target["places"]
    if len(places) and rng.random() < plan.foreground_share:
        # Rare labels are seen as often as common ones.
        voxels = places[places[:, 0] == rng.choice(np.unique(places[:, 0])), 1]
        return np.array(np.unravel_index(voxels[rng.integers(len(voxels))], spatial))
    return np.array([rng.integers(n) for n in spatial])


def blank(plan: Plan, size: tuple[int, ...], rng: np.random.Generator) -> Arrays:
    """Any labels anywhere."""
    return with_places(rng.integers(len(plan.labels), size=size).astype(np.uint8))


def score(outputs: Tensors, label: int) -> Tensor:
    """Mean log odds of the label over the voxels given to it (Vinogradova 2020, arXiv 2002.11434); 0 where none is."""
    z = outputs["logits"]
    odds = z[:, label] - torch.logsumexp(torch.cat([z[:, :label], z[:, label + 1 :]], dim=1), dim=1)
    decided = z.detach().max(1).indices == label
    axes = tuple(range(1, odds.ndim))
    return (odds * decided).sum(axes) / decided.sum(axes).clamp_min(1)
