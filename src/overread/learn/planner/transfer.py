"""Whether a network starts from pretrained weights, on which grid, and with which grey values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from overread.cohort.fingerprint import Fingerprint
from overread.learn.planner.grey_values import FIELD
from overread.learn.weights.find import DEFAULT, is_there
from overread.learn.weights.origin import Origin
from overread.runtime.manifest import Intensity
from overread.task import Task

MOST_SIDE, LEAST_SIDE = 224, 96
SIDES = (224, 192, 160, 128, 96)
"""Pixels along the side of a square of as many pixels as the grid: what the weights have seen, and less."""
CELL = 32
"""Pixels to a cell of the last feature map: axes are multiples of it."""
TINY, MANY = 64, 2000
"""Images up to so many pixels along their longest axis, and so many training cases: enough to learn from chance,
without the loss of time that enlarging them for the weights would be."""
LEAST_SECONDS = 60.0
"""Below it there is no time for features of every case and for a training besides."""
FEWEST_PASSES = 20
"""How often a fine-tuning should see each training case before finer pictures are worth their price."""
NO_TRAINING = 3
"""With fewer passes than this the head alone is solved for."""
MOST_VIEWS, VIEWS_SHARE = 8, 0.15
"""Changed pictures of each training image for the head, and the share of the time that their features may take."""
FORWARD = 1 / 3
"""Of a training step, what computing the features of its images takes."""


@dataclass(frozen=True)
class Road:
    """Whether the plan itself starts from ``weights``, or a rival on frozen features does beside it; and why."""

    kind: Literal["chance", "weights", "chance beside features"]
    weights: str
    why: str


def choose_road(
    look: Fingerprint,
    facts: Task,
    *,
    dimensions: int,
    cases: int,
    seconds: float,
    asked: str = "auto",
) -> Road:
    """By what is known to help: from pretrained weights wherever there are any, unless tiny images are many.

    ``asked`` is the protocol's: ``auto``, ``none``, or a name that `find_weights` knows, which is then taken. ImageNet
    weights that are fine-tuned do as well as models of medical images from five images a class on (MedIMeta,
    arXiv 2408.08058).
    """
    if asked == "none":
        return Road("chance", "", "")
    if asked != "auto":
        return Road("weights", asked, f"It starts from the weights {asked}, as protocol.yaml says.")
    if facts.local or dimensions != 2 or not is_there(DEFAULT):
        return Road("chance", "", "")
    if seconds < LEAST_SECONDS:
        return Road(
            "chance",
            "",
            f"It starts from chance: {max(seconds, 0):.0f} s are too few to start from pretrained weights "
            f"(from {LEAST_SECONDS:.0f} s on).",
        )
    longest = max(look.median_shape)
    if longest <= TINY and cases >= MANY:
        return Road(
            "chance beside features",
            DEFAULT,
            f"It starts from chance: {cases} training cases of at most {longest:.0f} pixels are enough for it. A head "
            f"on frozen features of {DEFAULT} (ImageNet) is its rival, and tuning cases decide.",
        )
    return Road(
        "weights",
        DEFAULT,
        f"It starts from the weights {DEFAULT} (ImageNet): {cases} training cases are few to learn from chance. Tuning "
        "cases decide between frozen features and fine-tuning.",
    )


def grid_side(look: Fingerprint, most: int = MOST_SIDE) -> int:
    """Small images are enlarged to twice their side, large ones shrunk to what the weights have seen."""
    side = 2 * math.prod(look.median_shape) ** (1 / len(look.median_shape))
    return max((s for s in SIDES if s <= min(side, most)), default=LEAST_SIDE)


def smaller_side(side: int, passes: float) -> int:
    """The side with which there is time for `FEWEST_PASSES`, where ``side`` leaves time for ``passes``."""
    wanted = side * math.sqrt(passes / FEWEST_PASSES)
    return max((s for s in SIDES if s <= wanted), default=LEAST_SIDE)


def grid_of(look: Fingerprint, side: int) -> list[int]:
    """As many pixels as a square of ``side``, in the median image's proportions, in multiples of `CELL`."""
    scale = side / math.prod(look.median_shape) ** (1 / len(look.median_shape))
    return [max(2 * CELL, round(n * scale / CELL) * CELL) for n in look.median_shape]


def views_for(*, cases: int, forward: float, seconds: float) -> int:
    """Pictures of each training case, ``forward`` seconds each, that ``seconds`` allow for features."""
    return max(1, min(MOST_VIEWS, int(VIEWS_SHARE * seconds / max(cases * forward, 1e-9))))


def for_weights(intensity: Sequence[Intensity], origin: Origin, *, color: bool) -> list[Intensity]:
    """Grey values on the scale that the weights were trained with.

    A range of values becomes 0 to 1 and is shifted and scaled as the weights state; photographs have theirs from 0 to
    255. Values without a range (MR, standardised image by image) get one: their own percentiles.
    """
    return [_for_weights(i, origin, color=color) for i in intensity]


def _for_weights(spec: Intensity, origin: Origin, *, color: bool) -> Intensity:
    if spec.method == "fixed":
        low, high = (0.0, 255.0) if color else (spec.low or 0.0, 255.0 if spec.high is None else spec.high)
        span = max(high - low, 1e-6)
        return spec.model_copy(
            update={
                "low": low,
                "high": high,
                "mean": low + origin.mean * span,
                "std": origin.std * span,
            }
        )
    percentiles = spec.percentiles if spec.method in ("range", "percentile") else FIELD
    return Intensity(method="range", percentiles=percentiles, mean=origin.mean, std=origin.std, suv=spec.suv)
