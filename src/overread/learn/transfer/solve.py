"""From a plan with pretrained weights to a network whose head is solved for, and what there is to say about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from overread.learn.example import Example
from overread.learn.losses import build_loss
from overread.learn.memory_format import in_format
from overread.learn.plan import Plan
from overread.learn.processes import agreed, rank
from overread.learn.transfer.features import features_of
from overread.learn.transfer.head import set_head
from overread.learn.transfer.load import Loaded
from overread.learn.transfer.probe import Solution, solve_head
from overread.learn.transfer.start import built, load_start
from overread.nets.classifier import Classifier
from overread.task import TASKS


@dataclass(frozen=True)
class Start:
    """A network with pretrained body and solved head, on the processor."""

    network: nn.Module
    loaded: Loaded
    solution: Solution
    seconds: float

    @property
    def state(self) -> dict[str, Tensor]:
        """What a training goes on from."""
        return self.network.state_dict()

    def record(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "loaded": [[r.part, r.tensors, r.state] for r in self.loaded.rows()],
            "c": self.solution.c,
            "losses": {f"{c:g}": round(v, 5) for c, v in self.solution.losses.items()},
            "seconds": round(self.seconds, 1),
        }


def solved_start(
    plan: Plan,
    examples: Sequence[Example],
    *,
    patients: Sequence[str],
    advance: Callable[[], None] = lambda: None,
) -> Start:
    """Load the plan's weights, compute the features of ``examples`` and solve for the head.

    ``patients`` has one name an example; ``advance`` is called for each example. Of several processes the first solves.

    Raises InputError for weights that are missing or do not fit.
    """
    began = time.perf_counter()
    assert plan.transfer is not None
    torch.manual_seed(plan.seed)
    network = cast(Classifier, built(plan))
    loaded = load_start(network, plan)
    assert loaded is not None
    features = features_of(network, plan, examples, views=plan.transfer.views, advance=advance)
    facts = TASKS[plan.task]
    loss = build_loss(plan.loss, answer=facts.answer, ordered=facts.ordered)
    solution: Solution | None = None
    if rank() == 0:
        solution = solve_head(features, loss=loss, outputs=plan.outputs, patients=patients, seed=plan.seed)
    solution = agreed(solution)
    assert solution is not None
    in_format(network.cpu(), torch.contiguous_format)
    set_head(network, solution)
    return Start(network, loaded, solution, time.perf_counter() - began)
