"""How maps shrink between stages is an option of every network with pools."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from overread import nets
from overread.nets.downsample import HOWS, exchange_pools

POOLED = ("lenet", "alexnet", "vgg11", "inception", "densenet121", "resnet18")


@pytest.mark.parametrize("name", POOLED)
@pytest.mark.parametrize("how", HOWS)
def test_every_network_with_pools_can_shrink_each_way(name: str, how: str) -> None:
    network = nets.build(name, dims=3, channels=1, outputs=2, size=(96,) * 3, width=0.1, downsample=how)
    kinds = {"max": nn.MaxPool3d, "average": nn.AvgPool3d, "strided": nn.Conv3d}
    changed = [m for m in network.body.modules() if isinstance(m, kinds[how]) and max(_three(m.stride)) > 1]
    others = [k for k in (nn.MaxPool3d, nn.AvgPool3d) if k is not kinds[how]]
    assert changed
    assert not [m for m in network.modules() if isinstance(m, tuple(others)) and max(_three(m.stride)) > 1]
    usual = nets.build(name, dims=3, channels=1, outputs=2, size=(96,) * 3, width=0.1)
    x = torch.randn(2, 1, 21, 20, 5)
    assert network.body(x).shape == usual.body(x).shape and network.training


def _three(stride: object) -> tuple[int, ...]:
    return stride if isinstance(stride, tuple) else (stride,) * 3


def test_a_strided_convolution_begins_as_the_mean_and_learns() -> None:
    body = exchange_pools(nn.Sequential(nn.MaxPool2d(2, 2)), "strided", dimensions=2, channels=3)
    x = torch.randn(1, 3, 8, 8)
    found = body(x)
    assert torch.allclose(found[..., 1:, 1:], nn.functional.avg_pool2d(x, 3, 2, 1)[..., 1:, 1:], atol=1e-6)
    found.sum().backward()
    assert body[0].weight.grad.abs().min() > 0


def test_none_keeps_those_of_the_paper() -> None:
    body = nn.Sequential(nn.MaxPool2d(2, 2))
    assert exchange_pools(body, None, dimensions=2, channels=3) is body and body[0].kernel_size == 2
