"""What a task chose for its training."""

from __future__ import annotations

from dataclasses import dataclass, field

from overread.learn.plan import Augment, Named, Network


@dataclass(frozen=True)
class Choice:
    """The part of a plan that is the task's, with a sentence for each decision.

    ``decoding``: numbers that the task reads the outputs with, which the package keeps.
    ``rate_by_steps``: the learning rate follows from the number of steps (`choose_rate`), once that is known.
    """

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
    rate_by_steps: bool = False
    decoding: dict[str, float] = field(default_factory=dict)
    sampling: Named = field(default_factory=lambda: Named(name="uniform"))
