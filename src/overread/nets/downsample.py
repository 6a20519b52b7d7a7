"""How a convolutional body shrinks its maps between its stages: by largest value, mean or a strided convolution."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from overread.errors import InputError
from overread.nets.layers import LAYERS, halve

HOWS = ("max", "average", "strided")
_POOLS = (nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool2d, nn.AvgPool3d)
# Voxels per axis of the image that tells the channels at each pool.
_SIDE = 32


def exchange_pools(body: nn.Module, how: str | None, *, dimensions: int, channels: int) -> nn.Module:
    """``body`` with every pool that shrinks its map made anew; None leaves those of the paper.

    ``max`` looks at 3 cells per axis, ``average`` at 2; ``strided`` is a learnt convolution of 3 cells for each channel
    (Springenberg 2014, arXiv 1412.6806), which begins as their mean. Each leaves ``ceil(n / 2)`` cells. Where the
    body's own convolutions shrink the map there is no pool to exchange. Raises InputError for another ``how``.
    """
    if how is None:
        return body
    if how not in HOWS:
        raise InputError(f"network: downsample: found {how!r}, expected one of {', '.join(HOWS)}, or null")
    seen: dict[str, int] = {}

    def note(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda _module, inputs: seen.update({name: inputs[0].shape[1]})

    shrinking = [(n, m) for n, m in body.named_modules() if isinstance(m, _POOLS) and _stride(m) > 1]
    hooks = [m.register_forward_pre_hook(note(n)) for n, m in shrinking]
    with torch.no_grad():
        body.eval()(torch.zeros(1, channels, *(_SIDE,) * dimensions))
    body.train()
    for hook in hooks:
        hook.remove()
    for name, width in seen.items():
        owner, _, last = name.rpartition(".")
        setattr(body.get_submodule(owner), last, _made(how, width, dimensions))
    return body


def _stride(pool: nn.Module) -> int:
    stride = pool.stride
    return int(stride if isinstance(stride, int) else max(stride))  # type: ignore[arg-type]


def _made(how: str, width: int, dimensions: int) -> nn.Module:
    of = LAYERS[dimensions]
    if how == "max":
        pool: nn.Module = of.max_pool(3, 2, 1)
    elif how == "average":
        pool = halve("average", dimensions)
    else:
        conv = of.conv(width, width, 3, 2, 1, groups=width)
        nn.init.constant_(conv.weight, 3.0**-dimensions)
        nn.init.zeros_(conv.bias)
        pool = conv
    return pool
