"""Grad-CAM: which part of the image spoke for a label (Selvaraju 2017, arXiv 1610.02391), by MONAI."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from overread.nets.architecture import Architecture, Outputs, by_name

# A map of fewer places than this per axis is a blur: Grad-CAM's own examples have 7 to 14.
FEWEST_PLACES = 7


class Cam(NamedTuple):
    """A map ``(*spatial)`` in 0..1, and the name of the network's layer whose features it weighs."""

    heat: NDArray[np.float32]
    layer: str


class _Score(nn.Module):
    """The network as a classifier of one class, whose logit is what is explained."""

    def __init__(self, network: nn.Module, score: Callable[[Outputs, int], Tensor], label: int) -> None:
        super().__init__()
        self.network, self._score, self._label = network, score, label

    def forward(self, x: Tensor) -> Tensor:
        return self._score(by_name(self.network(x)), self._label)[:, None]


def grad_cam(
    network: nn.Module,
    image: NDArray[np.float32],
    label: int,
    *,
    architecture: Architecture,
    score: Callable[[Outputs, int], Tensor],
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

    Returns
    -------
    Cam
        1 is the strongest support; all zero where nothing in the layer supports the label.
    """
    from monai.visualize.class_activation_maps import GradCAM

    network = network.eval()
    x = torch.from_numpy(image[None])
    layer = deepest_layer(network, x, architecture.layers(network))
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    cam = GradCAM(
        nn_module=_Score(network, score, label),
        target_layers=f"network.{layer}",
        postprocessing=lambda x: x,
    )
    raw = np.asarray(cam(x, class_idx=0).detach()[0, 0], np.float32)
    raw = np.maximum(raw, 0)
    top = float(raw.max())
    return Cam(raw / top if top > 0 else raw, layer)


@torch.no_grad()
def deepest_layer(network: nn.Module, x: Tensor, layers: Sequence[str]) -> str:
    """The last of ``layers`` whose features for ``x`` still have `FEWEST_PLACES` per axis (else the first of all).

    An axis that has fewer in the image itself, as of thick slices, must have kept them all.
    """
    fine: dict[str, bool] = {}
    modules: dict[str, Any] = dict(network.named_modules())
    hooks = [
        modules[name].register_forward_hook(
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
