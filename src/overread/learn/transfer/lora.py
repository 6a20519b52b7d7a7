"""Low-rank changes beside kernels that stay (Hu 2021, arXiv 2106.09685), for linear layers and convolutions."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class LowRank(nn.Module):
    """``weight`` plus ``up @ down``, a matrix of few ranks; nothing at first, for ``up`` is zero."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = weight.shape[0], weight[0].numel()
        rank = min(rank, rows, columns)
        self.down = nn.Parameter(torch.randn(rank, columns) / math.sqrt(columns))
        self.up = nn.Parameter(torch.zeros(rows, rank))

    def forward(self, weight: Tensor) -> Tensor:
        """The changed kernel."""
        return weight + (self.up @ self.down).view(weight.shape)


def add_lora(network: nn.Module, *, rank: int) -> None:
    """Every dense kernel of the body gets its change; all else of the body stays as it is, the head learns."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not name.startswith("body."))
    body = network.get_submodule("body")
    for module in list(body.modules()):
        dense = isinstance(module, nn.Linear) or (
            isinstance(module, (nn.Conv2d, nn.Conv3d)) and module.groups == 1
        )
        if dense:
            weight = module.weight
            assert isinstance(weight, Tensor)
            parametrize.register_parametrization(module, "weight", LowRank(weight, rank))


def merge_lora(network: nn.Module) -> None:
    """Add the changes to their kernels: the network is then as it was, with other numbers."""
    for module in list(network.modules()):
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
