"""Networks by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from overread.nets.resnet import resnet
from overread.nets.unet import unet

NETWORKS: Mapping[str, Callable[..., nn.Module]] = {"resnet": resnet, "unet": unet}


def build(name: str, dimensions: int, channels: int, labels: int, arguments: Mapping[str, Any]) -> nn.Module:
    """The network ``name`` for images of ``dimensions`` axes; ``arguments`` are those of its own function.

    Raises
    ------
    ValueError
        Unknown name.
    """
    if name not in NETWORKS:
        raise ValueError(f"network {name!r} is unknown; expected one of {', '.join(NETWORKS)}")
    return NETWORKS[name](dimensions, channels, labels, **arguments)


def parameters_of(network: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)
