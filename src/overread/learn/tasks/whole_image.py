"""Planning and drawing for tasks that see the whole image: one size, a ResNet or what pretrained weights are of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from overread.cohort.fingerprint import Fingerprint
from overread.learn.augment.change import apply
from overread.learn.augment.change import draw as draw_change
from overread.learn.example import Example
from overread.learn.plan import Augment, Named, Plan
from overread.learn.planner.choice import Choice
from overread.learn.planner.form import Form, choose_form
from overread.learn.planner.memory import INSIDE, SHARE, available_bytes
from overread.learn.planner.network import planned
from overread.learn.planner.patch import coarse_axis
from overread.learn.planner.room import Room
from overread.learn.planner.sampling import choose_sampling
from overread.learn.planner.spacing import cell_spacing
from overread.learn.planner.whole_grid import choose_whole_grid
from overread.nets.architecture import Need
from overread.nets.figures import training_bytes
from overread.nets.networks import architecture, build
from overread.runtime.manifest import Preprocess
from overread.task import AnswerKind

BATCH = {2: 64, 3: 8}
BATCH_OF_WEIGHTS, RATE_OF_WEIGHTS = 16, 3e-4
"""Of fine-tuning: smaller steps of a network that has learnt, from a head that is solved for."""


def grid(look: Fingerprint, room: Room) -> tuple[Mapping[str, Any], str]:
    """One grid for all images, in which they keep their shape."""
    return choose_whole_grid(look, room)


def choose(look: Fingerprint, room: Room, spec: Preprocess, *, answer: AnswerKind, loss: Named) -> Choice:
    """A ResNet as deep as the image is large, its first layer as time allows, or the network of the weights.

    Volumes of thick slices are not turned out of their plane.
    """
    assert spec.size is not None
    spacing = cell_spacing(look, spec)
    name = room.weights or "resnet"
    need = Need(
        room.dimensions,
        tuple(spec.size),
        tuple(spacing),
        room.gpu,
        first_stride=room.first_stride,
        first_width=room.first_width,
    )
    reasons = []
    # Weights that a person asks for are inflated to volumes.
    if room.dimensions == 3 and not room.weights:
        form = _form(look, room, need, name)
        reasons.append(form.reason)
        name = name if form.form == "3D" else "slices"
    arguments = architecture(name, answer=answer).arguments(need)
    if name == "slices":
        # A slice or two are pictures: none has a neighbour to be seen with.
        arguments |= {"axis": form.axis, "stack": 1 if form.form == "2D" else arguments["stack"]}
    network = planned(name, room, arguments)
    within = arguments.get("arguments", arguments)
    text = f"Network {name}{f' of {plane}' if (plane := arguments.get('plane')) else ''}, "
    text += f"{network.parameters / 1e6:.1f} million parameters"
    if "small_stem" in within:
        text += f", {'full-resolution' if within['small_stem'] else 'strided'} first layer"
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
        reasons=[*reasons, f"{text}."],
    )


def _form(look: Fingerprint, room: Room, need: Need, name: str) -> Form:
    """How volumes are seen: in 3D by the network ``name``, or slice by slice where that is better."""
    available = available_bytes()
    least = None
    if available is not None:
        available = int(SHARE * available)
        least = _least_bytes(name, room, need)
        # Slices are no way out where they take as much.
        if least > available and _least_bytes("slices", room, need) >= least:
            least = None
    return choose_form(
        # Padding adds no slices.
        size=[min(n, round(m)) for n, m in zip(need.size, look.median_shape, strict=True)],
        spacing=need.spacing,
        cases=room.cases,
        weights=False,
        bytes_3d=least,
        available=available,
    )


def _least_bytes(name: str, room: Room, need: Need) -> int:
    """What a step of one volume takes: less than that no division of a batch into parts can make it."""
    with torch.device("meta"):
        arguments = architecture(name).arguments(need)
        network = build(name, room.dimensions, room.channels, room.outputs, arguments).eval()
        # In evaluation: batch normalisation cannot train on one cell of one volume.
        return round(INSIDE * training_bytes(network, torch.zeros(1, room.channels, *need.size)))


def sampled(choice: Choice, look: Fingerprint, *, exclusive: bool) -> Choice:
    """The choice with how often each case is drawn, by how common its labels are."""
    sampling, reason = choose_sampling(look.class_counts, look.cases, exclusive=exclusive)
    return replace(choice, sampling=sampling, reasons=[*choice.reasons, reason])


def draw(example: Example, plan: Plan, epoch: int, index: int) -> Tensor:
    """The whole image, changed."""
    change = draw_change(plan.augment, plan.dimensions, seed=plan.seed, epoch=epoch, index=index)
    # Rotations are rigid in mm.
    return apply(change, example.image, size=tuple(plan.patch), spacing=plan.preprocess.spacing)[0]
