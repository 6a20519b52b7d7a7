"""Multi-label classification: several findings side by side, from the whole image."""

from __future__ import annotations

from collections.abc import Mapping
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


def grid(look: Fingerprint, room: Room) -> tuple[Mapping[str, Any], str]:
    """One size for all images."""
    return whole_image.grid(look, room)


def choose(look: Fingerprint, room: Room, spec: Preprocess, limit: int) -> Choice:
    """A ResNet on the whole image, with a binary cross-entropy for each finding."""
    choice = whole_image.choose(look, room, spec, answer="findings", loss=Named(name="binary_cross_entropy"))
    return whole_image.sampled(choice, look, exclusive=False)


def target(truth: TruthValue, image: Image, spec: Preprocess) -> Arrays:
    """``labels``: 1, 0, or NaN where nothing is stated."""
    return {"labels": np.asarray(truth, np.float32)}


def draw(example: Example, plan: Plan, epoch: int, index: int) -> tuple[Tensor, Tensors]:
    """The image, changed, and its ``labels``."""
    return whole_image.draw(example, plan, epoch, index), {
        "labels": torch.from_numpy(example.target["labels"])
    }


def blank(plan: Plan, size: tuple[int, ...], rng: np.random.Generator) -> Arrays:
    """Any findings."""
    return {"labels": rng.integers(2, size=len(plan.labels)).astype(np.float32)}


def score(outputs: Tensors, label: int) -> Tensor:
    """The finding's logit: its log odds."""
    return outputs["logits"][:, label]
