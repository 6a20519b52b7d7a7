"""What a network's body sees in each case: computed once, used as often as a head is solved for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from overread.learn.example import Example
from overread.learn.memory_format import in_format, memory_format
from overread.learn.plan import Augment, Plan
from overread.learn.tasks import TASKS
from overread.nets.classifier import Classifier

AT_ONCE = {2: 16, 3: 4}


@dataclass(frozen=True)
class Features:
    """``x`` ``(cases, views, F)`` float32, the first view of each unchanged; ``targets`` by name, a row a case."""

    x: NDArray[np.float32]
    targets: dict[str, Tensor]

    def of(self, chosen: NDArray[np.intp]) -> Features:
        """Those of some cases."""
        return Features(self.x[chosen], {k: v[torch.from_numpy(chosen)] for k, v in self.targets.items()})


def features_of(
    network: Classifier,
    plan: Plan,
    examples: Sequence[Example],
    *,
    views: int = 1,
    advance: Callable[[], None] = lambda: None,
) -> Features:
    """What ``network`` gives its head for each of ``examples``, and for ``views - 1`` changed pictures of each.

    The changes are those of the plan's augmentation, drawn by (seed, view, case): the same on every call. ``advance``
    is called for each case.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    form = memory_format(plan.dimensions)
    in_format(network.eval().to(device), form)
    still = plan.model_copy(update={"augment": Augment(channels=plan.augment.channels)})
    task, at_once = TASKS[plan.task], AT_ONCE[plan.dimensions]
    found: list[Tensor] = []
    targets: list[dict[str, Tensor]] = []
    waiting: list[Tensor] = []

    def answer() -> None:
        if waiting:
            batch = torch.stack(waiting).to(device, memory_format=form)
            with torch.inference_mode():
                found.append(network.features(batch).float().cpu())
            waiting.clear()

    for i, example in enumerate(examples):
        for view in range(views):
            image, target = task.draw(example, plan if view else still, view, i)
            waiting.append(image)
            if not view:
                targets.append(target)
            if len(waiting) == at_once:
                answer()
        advance()
    answer()
    x = torch.cat(found).numpy()
    return Features(
        np.ascontiguousarray(x.reshape(len(targets), views, -1)),
        {name: torch.stack([t[name] for t in targets]) for name in targets[0]},
    )
