"""Which part of the image spoke for a label: Grad-CAM, and HiResCAM for answers that say where.

Grad-CAM (Selvaraju 2017, arXiv 1610.02391) weighs each feature by its mean gradient, as suits an answer about the whole
image. Where the answer itself is a place, the mean mixes places; HiResCAM (Draelos 2020, arXiv 2011.08891), which
multiplies place by place, is true to what the network computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from overread.nets.architecture import Architecture, Outputs, by_name

# A map of fewer places than this per axis is a blur: Grad-CAM's own examples have 7 to 14.
FEWEST_PLACES = 7


class Cam(NamedTuple):
    """A map ``(*spatial)`` in 0..1, the name of the network's layer whose features it weighs, and of the method."""

    heat: NDArray[np.float32]
    layer: str
    method: str


def grad_cam(
    network: nn.Module,
    image: NDArray[np.float32],
    label: int,
    *,
    architecture: Architecture,
    score: Callable[[Outputs, int], Tensor],
    local: bool = False,
) -> Cam:
    """Map of where ``image`` speaks for ``label``.

    Parameters
    ----------
    network
        Trained network, as built by ``architecture``.
    image
        Prepared input ``(channels, *spatial)``.
    label
        Index of the class, finding, mask value or object.
    architecture
        Knows the layers to look at.
    score
        Outputs by name and a label to ``(batch,)``: what is explained, such as the log odds of a class. A learning task
        has it (`overread.learn.tasks`).
    local
        Whether the answer says where (`overread.task.Task.local`): HiResCAM instead of Grad-CAM.

    Returns
    -------
    Cam
        1 is the strongest support; all zero where nothing in the layer supports the label.
    """
    network = network.eval()
    x = torch.from_numpy(image[None])
    layer = deepest_layer(network, x, architecture.layers(network))
    seen: list[Tensor] = []
    hook = _module(network, layer).register_forward_hook(lambda _m, _i, out: _keep(seen, out))
    try:
        value = score(by_name(network(x)), label).sum()
    finally:
        hook.remove()
    [features] = seen
    [gradient] = torch.autograd.grad(value, features)
    axes = tuple(range(2, features.ndim))
    weight = gradient if local else gradient.mean(axes, keepdim=True)
    support = (weight * features.detach()).sum(1, keepdim=True)
    linear = "bilinear" if len(axes) == 2 else "trilinear"
    heat = F.interpolate(support, size=x.shape[2:], mode=linear, align_corners=False)[0, 0].clamp_min(0)
    top = float(heat.max())
    found = (heat / top if top > 0 else heat).numpy()
    return Cam(found, layer, "HiResCAM" if local else "Grad-CAM")


@torch.no_grad()
def deepest_layer(network: nn.Module, x: Tensor, layers: Sequence[str]) -> str:
    """The last of ``layers`` whose features for ``x`` still have `FEWEST_PLACES` per axis (else the first of all).

    An axis that has fewer in the image itself, as of thick slices, must have kept them all.
    """
    fine: dict[str, bool] = {}
    hooks = [
        _module(network, name).register_forward_hook(
            lambda _m, _i, out, name=name: fine.update({name: _fine(out, x)})
        )
        for name in layers
    ]
    network(x)
    for hook in hooks:
        hook.remove()
    return next((name for name in reversed(layers) if fine[name]), layers[0])


def _fine(features: Tensor, x: Tensor) -> bool:
    return all(
        n >= min(FEWEST_PLACES, whole) for n, whole in zip(features.shape[2:], x.shape[2:], strict=True)
    )


def _module(network: nn.Module, name: str) -> Any:
    return network.get_submodule(name)


def _keep(seen: list[Tensor], out: Tensor) -> Tensor:
    """Let gradients begin here, whatever is frozen, and hand on a copy that what follows may change in place."""
    start = out.detach().requires_grad_()
    seen.append(start)
    return start.clone()
