"""Ordered grades, from the whole image: conditional log odds of going beyond each grade (CORN)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from overread.cohort.fingerprint import Fingerprint
from overread.learn.losses.protocol import Tensors
from overread.learn.plan import Named
from overread.learn.planner.choice import Choice
from overread.learn.planner.room import Room
from overread.learn.tasks import whole_image
from overread.learn.tasks.classification import blank, draw, target
from overread.runtime.manifest import Preprocess

__all__ = ["blank", "choose", "draw", "grid", "score", "target"]


def grid(look: Fingerprint, room: Room) -> tuple[Mapping[str, Any], str]:
    """One size for all images."""
    return whole_image.grid(look, room)


def choose(look: Fingerprint, room: Room, spec: Preprocess, limit: int) -> Choice:
    """A network on the whole image, with CORN's loss."""
    choice = whole_image.choose(look, room, spec, answer="classes", loss=Named(name="corn"))
    return whole_image.sampled(choice, look, exclusive=True)


def score(outputs: Tensors, label: int) -> Tensor:
    """Log odds of the grade or a higher one; of the lowest grade, those of it alone."""
    z = outputs["logits"]
    if label == 0:
        return -z[:, 0]
    reached = F.logsigmoid(z[:, :label]).sum(1)
    # log(1 - p) of p near 1 would lose all digits in float32.
    below = torch.log(-torch.expm1(reached.double())).to(reached.dtype)
    return reached - below
