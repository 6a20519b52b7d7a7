"""One tensor of pretrained weights into the shape that another network needs."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def adapted(weight: Tensor, shape: Sequence[int]) -> tuple[Tensor, str] | None:
    """``weight`` in ``shape`` and what was done to it in a few words, empty for nothing; None where it cannot be.

    - Kernels of two axes become kernels of three, repeated along the first of them and divided by its length: of images
      that do not change along it the answer stays (Carreira 2017, arXiv 1705.07750).
    - Another number of input channels: for one the sum over channels, which answers a grey picture as the network
      answers three equal channels; for more their mean, scaled so that equal channels are answered alike.
    """
    done = []
    if weight.ndim == 4 and len(shape) == 5 and tuple(weight.shape[2:]) == tuple(shape[3:]):
        weight = weight.unsqueeze(2).repeat(1, 1, shape[2], 1, 1) / shape[2]
        done.append(f"inflated to {' x '.join(map(str, shape[2:]))}")
    if weight.ndim >= 4 and len(shape) == weight.ndim and weight.shape[1] != shape[1]:
        have, want = weight.shape[1], shape[1]
        # Only a first convolution has as few inputs as images have channels; others are other networks.
        if have > MOST_CHANNELS or weight.shape[0] != shape[0]:
            return None
        mean = weight.mean(1, keepdim=True) * (have / want)
        weight = mean.expand(-1, want, *weight.shape[2:]).clone()
        done.append(f"{have} channels to {want}")
    return (weight, ", ".join(done)) if tuple(weight.shape) == tuple(shape) else None


MOST_CHANNELS = 4
"""Of images that weights are learnt on: colour, and perhaps one more."""
