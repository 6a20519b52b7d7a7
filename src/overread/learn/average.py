"""Exponential moving average of a network's weights and statistics (Polyak 1992, doi 10.1137/0330046)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn


class Average:
    """A copy of a network that follows it; its memory grows with the number of updates up to ``decay``.

    All tensors move in one operation, and nothing is asked of the device meanwhile: torch's own `AveragedModel` counts
    on the device, and waits for it at every step.
    """

    def __init__(self, network: nn.Module, *, decay: float) -> None:
        self.module = deepcopy(network).requires_grad_(False)
        self.updates = 0
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """One step towards ``network``'s weights and statistics; what counts (whole numbers) is copied."""
        means, values = _tensors(self.module), _tensors(network)
        whole = [i for i, t in enumerate(means) if not torch.is_floating_point(t)]
        if self.updates == 0:
            torch._foreach_copy_(means, values)
        else:
            decay = min(self._decay, (1 + self.updates) / (10 + self.updates))
            moving = [i for i in range(len(means)) if i not in set(whole)]
            torch._foreach_lerp_([means[i] for i in moving], [values[i] for i in moving], 1 - decay)
            if whole:
                torch._foreach_copy_([means[i] for i in whole], [values[i] for i in whole])
        self.updates += 1

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"updates": self.updates, "module": self.module.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        """Back to what `state` gave."""
        self.updates = int(state["updates"])
        self.module.load_state_dict(state["module"])


def _tensors(network: nn.Module) -> list[Tensor]:
    return [t.detach() for t in (*network.parameters(), *network.buffers())]
