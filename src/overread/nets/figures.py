"""What a network is like, without its weights: layers, maps, receptive field, operations and memory.

The network is built and run on the ``meta`` device, which has shapes and no numbers: a 3D network of any size is looked
at in a second, in no memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from overread.errors import InputError
from overread.nets.architecture import by_name
from overread.nets.field import Fields
from overread.nets.live import Live
from overread.nets.named import USUAL_SIZE, defaults
from overread.nets.networks import architecture
from overread.nets.networks import build as build_from

FLOAT = 4


@dataclass(frozen=True)
class Layer:
    """A layer that computes something on its own, in the order the image passes them.

    Attributes
    ----------
    name, kind
        Of the module, and its class.
    kernel, stride, padding
        In voxels per axis; empty where the layer has none.
    shape
        Of its output without the batch: ``(channels, *cells)``, or as the layer leaves it.
    field
        Theoretical receptive field in voxels per axis (`overread.nets.field`); infinite where it sees the whole image.
    parameters
        How many are learnt.
    flops
        Floating-point operations for one image, a multiplication and an addition each.
    activation_bytes
        Of its output for one image, float32; in 2.5D of all slices.
    """

    name: str
    kind: str
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    shape: tuple[int, ...]
    field: tuple[float, ...]
    parameters: int
    flops: int
    activation_bytes: int


@dataclass(frozen=True)
class Figures:
    """A network for images of ``size``: its layers and their sums.

    ``field`` is the theoretical receptive field of a cell of the last map; ``training_bytes`` the peak of a training
    step of one image (weights, gradients, averages and moments of AdamW, and what the backward pass needs), float32;
    ``flops`` of one forward pass.
    """

    name: str
    dimensions: int
    channels: int
    outputs: int
    size: tuple[int, ...]
    layers: tuple[Layer, ...]
    field: tuple[float, ...]
    parameters: int
    flops: int
    activation_bytes: int
    training_bytes: int
    licence: str
    source: str


def figures(
    name: str,
    *,
    dims: int,
    channels: int = 1,
    outputs: int = 2,
    size: Sequence[int] | None = None,
    spacing: Sequence[float] | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> Figures:
    """What the network ``name`` is like for images of ``size`` voxels (as `overread.nets.build`).

    ``arguments`` are those of the network where they are not its defaults. Raises InputError as `overread.nets.build`,
    or where the network cannot take images of that size.
    """
    shape = tuple(size) if size else (USUAL_SIZE.get(dims, 1),) * dims
    given = defaults(name, dims, shape, spacing) | dict(arguments or {})
    made = architecture(name)
    multiple = made.multiple(given, dims)
    shape = tuple(math.ceil(n / m) * m for n, m in zip(shape, multiple, strict=True))
    with torch.device("meta"):
        network = build_from(name, dims, channels, outputs, given).eval()
        layers, field, flops = _layers(network, torch.zeros(1, channels, *shape), name)
        peak = (
            training_bytes(network.train(), torch.zeros(2, channels, *shape)),
            training_bytes(network, torch.zeros(4, channels, *shape)),
        )
    # Of two and of four images: the step between them is what an image takes, and the rest is there in any case.
    each = (peak[1] - peak[0]) // 2
    return Figures(
        name=name,
        dimensions=dims,
        channels=channels,
        outputs=outputs,
        size=shape,
        layers=layers,
        field=field,
        parameters=sum(p.numel() for p in network.parameters() if p.requires_grad),
        flops=flops,
        activation_bytes=sum(layer.activation_bytes for layer in layers),
        training_bytes=peak[0] - each,
        licence=made.licence,
        source=made.source,
    )


def training_bytes(
    network: nn.Module, image: Tensor, loss: Callable[[dict[str, Tensor]], Tensor] | None = None
) -> int:
    """Peak bytes of a training step on ``image`` ``(batch, channels, *spatial)``, both on the ``meta`` device.

    Weights and their moving average, gradients, the two moments of AdamW, buffers, the image, and whatever is alive at
    once in the forward pass, ``loss`` (the mean square of all outputs without it) and the backward pass.
    """
    learnt = [p for p in network.parameters() if p.requires_grad]
    always = sum(t.numel() * t.element_size() for t in [*network.parameters(), *network.buffers()])
    moments = sum(2 * p.numel() * p.element_size() for p in learnt)
    live = Live()
    live.add(image)
    with live:
        found = by_name(network(image))
        total = loss(found) if loss else sum((v.square().mean() for v in found.values()), torch.zeros(()))
        torch.autograd.grad(total, learnt, allow_unused=True)
    # While the optimizer updates, the gradients are there and the activations are gone.
    gradients = sum(p.numel() * p.element_size() for p in learnt)
    return 2 * always + moments + max(live.peak, gradients)


def _layers(network: nn.Module, image: Tensor, name: str) -> tuple[tuple[Layer, ...], tuple[float, ...], int]:
    from torch.utils.flop_counter import FlopCounterMode

    rows: list[tuple[str, nn.Module, tuple[int, ...], tuple[float, ...]]] = []
    fields, hooks = Fields(image), []
    whole: list[tuple[float, ...]] = []

    def passed(called: str) -> Callable[[nn.Module, Any, Any], None]:
        def note(module: nn.Module, _inputs: Any, out: Any) -> None:
            if isinstance(out, Tensor):
                rows.append((called, module, tuple(out.shape), fields.of(out)))

        return note

    for called, module in network.named_modules():
        if next(module.children(), None) is None and not isinstance(module, nn.Identity | nn.Dropout):
            hooks.append(module.register_forward_hook(passed(called)))
    body = getattr(network, "body", network)
    hooks.append(
        body.register_forward_hook(
            lambda _m, _i, out: whole.append(fields.of(next(iter(by_name(out).values()))))
        )
    )
    counter = FlopCounterMode(display=False)
    try:
        with torch.no_grad(), counter, fields:
            network(image)
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"network {name}: cannot take images of {list(image.shape[2:])}: {' '.join(str(error).split())}"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
    counts: Mapping[str, Mapping[Any, int]] = counter.get_flop_counts()
    # A module that is called again does the same again.
    found = tuple(
        _layer(called, module, shape, field, counts, calls=sum(r[0] == called for r in rows))
        for called, module, shape, field in rows
    )
    return found, whole[-1], int(counter.get_total_flops())


def _layer(
    called: str,
    module: nn.Module,
    shape: tuple[int, ...],
    field: tuple[float, ...],
    counts: Mapping[str, Mapping[Any, int]],
    *,
    calls: int,
) -> Layer:
    flops = next((sum(v.values()) for k, v in counts.items() if k.endswith("." + called)), 0)
    return Layer(
        name=called,
        kind=type(module).__name__.lstrip("_"),
        kernel=_axes(module, "kernel_size", len(shape) - 2),
        stride=_axes(module, "stride", len(shape) - 2),
        padding=_axes(module, "padding", len(shape) - 2),
        shape=shape[1:],
        field=field,
        parameters=sum(p.numel() for p in module.parameters(recurse=False) if p.requires_grad),
        flops=int(flops // max(1, calls)),
        activation_bytes=FLOAT * math.prod(shape),
    )


def _axes(module: nn.Module, key: str, dimensions: int) -> tuple[int, ...]:
    value = getattr(module, key, None)
    if isinstance(value, int):
        return (value,) * dimensions
    return tuple(value) if isinstance(value, tuple) else ()
