"""Regression: a number from the whole image, and how far off it is likely to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from overread.cohort.fingerprint import Fingerprint
from overread.cohort.truth.protocol import TruthValue
from overread.imaging.image import Image
from overread.learn.example import Arrays, Example
from overread.learn.losses.protocol import Tensors
from overread.learn.plan import Named, Plan
from overread.learn.planner.choice import Choice
from overread.learn.planner.room import Room
from overread.learn.tasks import whole_image
from overread.runtime.manifest import Preprocess
from overread.runtime.tasks.regression import DECODING


def grid(look: Fingerprint, room: Room) -> tuple[Mapping[str, Any], str]:
    """One size for all images."""
    return whole_image.grid(look, room)


def choose(look: Fingerprint, room: Room, spec: Preprocess, limit: int) -> Choice:
    """A network on the whole image that learns the number and its spread, in units of the training cases' spread."""
    choice = whole_image.choose(look, room, spec, answer="value", loss=Named(name="gaussian_nll"))
    centre, scale = look.values.get("mean", 0.0), look.values.get("std", 0.0) or 1.0
    reason = f"The network's 0 is {centre:.4g}, the mean of the training cases, and its 1 their deviation, {scale:.4g}."
    return replace(choice, decoding={"centre": centre, "scale": scale}, reasons=[*choice.reasons, reason])


def target(truth: TruthValue, image: Image, spec: Preprocess) -> Arrays:
    """``value`` ``(1,)``: the number in its own unit."""
    return {"value": np.array([truth], np.float64)}


def draw(example: Example, plan: Plan, epoch: int, index: int) -> tuple[Tensor, Tensors]:
    """The image, changed, and its ``value`` ``(1,)`` in the network's units."""
    decoding = {**DECODING, **plan.decoding}
    value = (np.asarray(example.target["value"][:]) - decoding["centre"]) / decoding["scale"]
    return whole_image.draw(example, plan, epoch, index), {
        "value": torch.from_numpy(value.astype(np.float32))
    }


def blank(plan: Plan, size: tuple[int, ...], rng: np.random.Generator) -> Arrays:
    """Any number such as the training cases have."""
    decoding = {**DECODING, **plan.decoding}
    return {"value": rng.normal(decoding["centre"], decoding["scale"], 1)}


def score(outputs: Tensors, label: int) -> Tensor:
    """The number itself: what an explanation shows is what raises it."""
    return outputs["logits"][:, 0]
