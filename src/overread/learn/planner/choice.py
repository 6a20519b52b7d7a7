"""What a task chose for its training."""

from __future__ import annotations

from dataclasses import dataclass

from overread.learn.plan import Augment, Named, Network


@dataclass(frozen=True)
class Choice:
    """The part of a plan that is the task's, with a sentence for each decision."""

    patch: list[int]
    batch: int
    network: Network
    loss: Named
    augment: Augment
    learning_rate: float
    weight_decay: float
    steps_per_epoch: int
    most_epochs: int
    foreground_share: float
    reasons: list[str]
