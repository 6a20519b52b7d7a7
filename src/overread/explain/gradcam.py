"""Grad-CAM: which part of the image spoke for a class (Selvaraju 2017, arXiv 1610.02391), by MONAI."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

# The last features that still have a place: before pooling in the ResNet, at full resolution in the U-Net.
TARGET_LAYERS = {"resnet": "layer4", "unet": "upsamples.{last}"}


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


def grad_cam(network: nn.Module, architecture: str, image: NDArray[np.float32], label: int) -> NDArray[np.float32]:
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
    ``(*spatial)`` in 0..1: 1 the strongest support. All zero where nothing in the layer supports the class.
    """
    from monai.visualize.class_activation_maps import GradCAM

    model: nn.Module = network.eval()
    target = TARGET_LAYERS[architecture]
    if architecture == "unet":
        stages: Any = network.upsamples
        target = "network." + target.format(last=len(stages) - 1)
        model = _MeanLogit(network)
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    cam = GradCAM(nn_module=model, target_layers=target, postprocessing=lambda x: x)
    raw = np.asarray(cam(torch.from_numpy(image[None]), class_idx=label).detach()[0, 0], np.float32)
    raw = np.maximum(raw, 0)
    top = float(raw.max())
    return raw / top if top > 0 else raw
