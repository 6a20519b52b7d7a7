"""Classification: one class of several, from the whole image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from overread.cohort.fingerprint import Fingerprint
from overread.cohort.truth.protocol import TruthValue, Voted
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
    """A ResNet on the whole image, with cross-entropy."""
    choice = whole_image.choose(look, room, spec, answer="classes", loss=Named(name="cross_entropy"))
    return whole_image.sampled(choice, look, exclusive=True)


def target(truth: TruthValue, image: Image, spec: Preprocess) -> Arrays:
    """``label``: the class index; of several readers the shares ``(classes,)`` of what they said."""
    assert isinstance(truth, int)
    if isinstance(truth, Voted):
        return {"label": np.array(truth.shares, np.float32)}
    return {"label": np.array(truth, np.int64)}


def draw(example: Example, plan: Plan, epoch: int, index: int) -> tuple[Tensor, Tensors]:
    """The image, changed, and the shares of the classes ``(classes,)`` that it has as its ``label``."""
    return whole_image.draw(example, plan, epoch, index), {
        "label": shares(example.target["label"][...], plan)
    }


def shares(label: Any, plan: Plan) -> Tensor:
    """``(classes,)`` float32 that sum to 1, of a class index or of shares: such targets can be mixed."""
    found = np.asarray(label)
    return torch.from_numpy(found if found.ndim else np.eye(len(plan.labels), dtype=np.float32)[int(found)])


def blank(plan: Plan, size: tuple[int, ...], rng: np.random.Generator) -> Arrays:
    """Any class."""
    return {"label": np.array(rng.integers(len(plan.labels)), np.int64)}


def score(outputs: Tensors, label: int) -> Tensor:
    """Log odds of the class against all others: a logit alone means nothing under softmax."""
    z = outputs["logits"]
    others = torch.cat([z[:, :label], z[:, label + 1 :]], dim=1)
    return z[:, label] - torch.logsumexp(others, dim=1)
