"""A solved head into the network, which is then packaged like any other."""

from __future__ import annotations

import torch

from overread.learn.transfer.probe import Solution
from overread.nets.classifier import Classifier, last_linear


@torch.no_grad()
def set_head(network: Classifier, solution: Solution) -> None:
    """The head's linear layer gives what ``solution`` gives; dropout before it answers nothing but in training."""
    linear = last_linear(network.head)
    linear.weight.copy_(torch.from_numpy(solution.weight))
    linear.bias.copy_(torch.from_numpy(solution.bias))
