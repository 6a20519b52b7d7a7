"""How arrays lie in memory while training."""

from __future__ import annotations

import torch
from torch import nn


def memory_format(dimensions: int) -> torch.memory_format:
    """Channels last triples the speed of 2D convolutions on a processor and does nothing for 3D ones."""
    return torch.channels_last if dimensions == 2 else torch.contiguous_format


def in_format(network: nn.Module, form: torch.memory_format) -> nn.Module:
    """``network`` with its weights laid out as ``form``."""
    moved: nn.Module = network.to(memory_format=form)  # type: ignore[call-overload]  # missing in torch's own types
    return moved
