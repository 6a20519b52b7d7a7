"""Planning and drawing for tasks that see the whole image: one size, a ResNet or what pretrained weights are of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from overread.cohort.fingerprint import Fingerprint
from overread.learn.augment.change import apply
from overread.learn.augment.change import draw as draw_change
from overread.learn.example import Example
from overread.learn.plan import Augment, Named, Plan
from overread.learn.planner.choice import Choice
from overread.learn.planner.network import planned
from overread.learn.planner.patch import coarse_axis
from overread.learn.planner.room import Room
from overread.learn.planner.sampling import choose_sampling
from overread.learn.planner.transfer import grid_of
from overread.nets.architecture import Need
from overread.nets.build import architecture
from overread.runtime.manifest import Preprocess
from overread.task import AnswerKind

MOST = {2: 224, 3: 96}
LEAST = 16
BATCH = {2: 64, 3: 8}
BATCH_OF_WEIGHTS, RATE_OF_WEIGHTS = 16, 3e-4
"""Of fine-tuning: smaller steps of a network that has learnt, from a head that is solved for."""


def grid(look: Fingerprint, room: Room) -> tuple[Mapping[str, Any], str]:
    """The median image's size, at most `MOST` per axis; for pretrained weights as many pixels as suit them."""
    if room.weights:
        size = grid_of(look, room.side)
        return {"size": size}, (
            f"Size {size}: the proportions of the median image, {list(look.median_shape)}, and about "
            f"{room.side} x {room.side} pixels, as suits the weights and the time."
        )
    cap = MOST[room.dimensions]
    size = [min(cap, max(LEAST, round(n))) for n in look.median_shape]
    return {
        "size": size
    }, f"Size {size}: the median image is {list(look.median_shape)}, and {cap} per axis is the most."


def choose(look: Fingerprint, room: Room, spec: Preprocess, *, answer: AnswerKind, loss: Named) -> Choice:
    """A ResNet as deep as the image is large, or the network of the weights that it starts from.

    Volumes of thick slices are not turned out of their plane.
    """
    assert spec.size is not None
    # mm between the voxels of the grid of one size, of the median case.
    cells = zip(look.median_spacing, look.median_shape, spec.size, strict=True)
    spacing = [mm * n / size for mm, n, size in cells]
    name = room.weights or "resnet"
    made = architecture(name, answer=answer)
    need = Need(room.dimensions, tuple(spec.size), (1.0,) * room.dimensions, room.gpu)
    arguments = made.arguments(need)
    network = planned(name, room, arguments)
    text = f"Network {name}, {network.parameters / 1e6:.1f} million parameters"
    if "small_stem" in arguments:
        text += f", {'full-resolution' if arguments['small_stem'] else 'strided'} first layer"
    # Mirroring would swap the heart's side in a chest and the laterality of every finding: left out.
    augment = Augment(
        coarse_axis=coarse_axis(spacing) if room.dimensions == 3 else None,
        rotate_deg=10,
        scale=0.1,
        shift=0.05,
        grey_values={"gamma": 0.2, "contrast": 0.2, "brightness": 0.2, "noise": 0.1},
    )
    batch = BATCH_OF_WEIGHTS if room.weights else BATCH[room.dimensions]
    return Choice(
        patch=list(spec.size),
        batch=batch,
        network=network,
        loss=loss,
        augment=augment,
        learning_rate=RATE_OF_WEIGHTS if room.weights else 2e-3,
        weight_decay=0.05,
        steps_per_epoch=math.ceil(room.cases / batch),
        most_epochs=200,
        foreground_share=0.0,
        reasons=[f"{text}."],
    )


def sampled(choice: Choice, look: Fingerprint, *, exclusive: bool) -> Choice:
    """The choice with how often each case is drawn, by how common its labels are."""
    sampling, reason = choose_sampling(look.class_counts, look.cases, exclusive=exclusive)
    return replace(choice, sampling=sampling, reasons=[*choice.reasons, reason])


def draw(example: Example, plan: Plan, epoch: int, index: int) -> Tensor:
    """The whole image, changed."""
    change = draw_change(plan.augment, plan.dimensions, seed=plan.seed, epoch=epoch, index=index)
    return apply(change, example.image, size=tuple(plan.patch))[0]
