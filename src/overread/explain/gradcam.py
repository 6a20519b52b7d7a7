"""Grad-CAM: which part of the image spoke for a class (Selvaraju 2017, arXiv 1610.02391), by MONAI."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

# A map of fewer places than this per axis is a blur: Grad-CAM's own examples have 7 to 14.
FEWEST_PLACES = 7


class Cam(NamedTuple):
    """A map ``(*spatial)`` in 0..1, and the name of the network's layer whose features it weighs."""

    heat: NDArray[np.float32]
    layer: str


class _MeanLogit(nn.Module):
    """Segmentation as classification: each label's mean logit over the voxels given to it (Vinogradova 2020)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        logits = self.network(x)
        decided = torch.nn.functional.one_hot(logits.detach().max(1).indices, logits.shape[1]).movedim(-1, 1)
        axes = tuple(range(2, logits.ndim))
        mean: Tensor = (logits * decided).sum(axes) / decided.sum(axes).clamp_min(1)
        return mean


def grad_cam(network: nn.Module, architecture: str, image: NDArray[np.float32], label: int) -> Cam:
    """Map of where ``image`` speaks for class ``label``.

    Parameters
    ----------
    network
        Trained network, as built by `overread.nets`.
    architecture
        Its name (``resnet``, ``unet``).
    image
        Prepared input ``(channels, *spatial)``.
    label
        Class index.

    Returns
    -------
    Cam
        1 is the strongest support; all zero where nothing in the layer supports the class.
    """
    from monai.visualize.class_activation_maps import GradCAM

    model: nn.Module = network.eval()
    x = torch.from_numpy(image[None])
    if architecture == "unet":
        stages: Any = network.upsamples
        layer = f"upsamples.{len(stages) - 1}"
        model, target = _MeanLogit(network), f"network.{layer}"
    else:
        target = layer = deepest_layer(network, x)
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    cam = GradCAM(nn_module=model, target_layers=target, postprocessing=lambda x: x)
    raw = np.asarray(cam(x, class_idx=label).detach()[0, 0], np.float32)
    raw = np.maximum(raw, 0)
    top = float(raw.max())
    return Cam(raw / top if top > 0 else raw, layer)


@torch.no_grad()
def deepest_layer(network: nn.Module, x: Tensor) -> str:
    """The ResNet's deepest stage whose features for ``x`` still have `FEWEST_PLACES` per axis (else its first)."""
    sizes: dict[str, int] = {}
    hooks = [
        getattr(network, name).register_forward_hook(
            lambda _m, _i, out, name=name: sizes.update({name: min(out.shape[2:])})
        )
        for name in ("layer1", "layer2", "layer3", "layer4")
    ]
    network(x)
    for hook in hooks:
        hook.remove()
    return max((name for name, n in sizes.items() if n >= FEWEST_PLACES), default="layer1")
