"""How far a cell of a map sees: the theoretical receptive field, and the effective one (Luo 2016, arXiv 1701.04128).

The theoretical one grows at each convolution and pool by its kernel less one, times the voxels between two cells of the
map it looks at (Araujo 2019, doi 10.23915/distill.00021). Attention over all cells sees the whole image. Means over the
whole map that only weigh channels (squeeze and excitation) and the statistics of normalisations do not count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.weak import WeakIdKeyDictionary

from overread.nets.architecture import by_name

# A voxel counts whose mean gradient is above this share of the largest one (Luo 2016: outside two standard deviations).
LEAST_SHARE = 0.0455
IMAGES = 4

Reach = tuple[tuple[float, ...], tuple[float, ...]]
"""Receptive field, and voxels between neighbouring cells, by axis."""


class Fields(TorchDispatchMode):
    """While active, knows the receptive field of every tensor that comes of ``image`` (batch, channels, *spatial)."""

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self._axes = image.ndim - 2
        self._known: Any = WeakIdKeyDictionary()
        self._known[image] = ((1.0,) * self._axes, (1.0,) * self._axes)

    def of(self, tensor: Tensor) -> tuple[float, ...]:
        """Voxels per axis that a cell of ``tensor`` can depend on; 0 where it does not come of the image."""
        reach: Reach | None = self._known.get(tensor)
        return reach[0] if reach else (0.0,) * self._axes

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Let the operation happen and say what its results see."""
        made = func(*args, **(kwargs or {}))
        seen = [
            self._known[t] for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor) and t in self._known
        ]
        if seen:
            reach = self._after(str(func), args, max(seen, key=lambda r: (max(r[0]), max(r[1]))))
            if reach:
                tree_map_only(Tensor, lambda t: self._known.update({t: reach}), made)
        return made

    def _after(self, operation: str, args: tuple[Any, ...], reach: Reach) -> Reach | None:
        field, jump = reach
        if "scaled_dot_product" in operation or operation.startswith("aten.bmm"):
            return (math.inf,) * self._axes, jump
        if operation.startswith("aten.mean") and args[0].ndim == self._axes + 2:
            return None
        if operation.startswith("aten.convolution"):
            kernel, stride, back = args[1].shape[2:], args[3], args[6]
            if back:
                shorter = tuple(j / s for j, s in zip(jump, stride, strict=True))
                extra = [max(0, -(-k // s) - 1) for k, s in zip(kernel, stride, strict=True)]
                return tuple(f + e * j for f, e, j in zip(field, extra, jump, strict=True)), shorter
            spread = [(k - 1) * d for k, d in zip(kernel, args[5], strict=True)]
            return self._wider(field, jump, spread, stride)
        if operation.startswith("aten.stack"):
            # Neighbouring slices as channels: the last axis.
            *inside, last = field
            return (*inside, last + (len(args[0]) - 1) * jump[-1]), jump
        if operation.startswith(("aten.max_pool", "aten.avg_pool")):
            kernel = self._each(args[1])
            return self._wider(field, jump, [k - 1 for k in kernel], self._each(args[2] or kernel))
        return reach

    def _each(self, value: Sequence[int]) -> Sequence[int]:
        return [value[0]] * self._axes if len(value) == 1 else value

    @staticmethod
    def _wider(
        field: Sequence[float], jump: Sequence[float], spread: Sequence[int], stride: Sequence[int]
    ) -> Reach:
        # A 2D layer on the slices of a volume leaves their axis, the last, as it is.
        rest = len(field) - len(spread)
        spread, stride = [*spread, *[0] * rest], [*stride, *[1] * rest]
        wider = tuple(f + s * j for f, s, j in zip(field, spread, jump, strict=True))
        return wider, tuple(j * s for j, s in zip(jump, stride, strict=True))


def effective_field(network: nn.Module, size: Sequence[int], *, channels: int, seed: int = 0) -> float:
    """Side in voxels of a square or cube as large as what the middle cell of the last map depends on noticeably.

    Gradients of that cell, all channels alike, with respect to `IMAGES` images of noise: voxels whose mean size is
    above `LEAST_SHARE` of the largest count. ``network`` has numbers (random ones do); it is left in evaluation mode.
    """
    random = torch.Generator().manual_seed(seed)
    body = network.get_submodule("body") if hasattr(network, "body") else network
    body.eval()
    total = torch.zeros(tuple(size))
    for _ in range(IMAGES):
        image = torch.randn(1, channels, *size, generator=random, requires_grad=True)
        out = next(iter(by_name(body(image)).values()))
        middle = _middle(out).sum()
        [gradient] = torch.autograd.grad(middle, image)
        total += gradient[0].abs().mean(0)
    noticed = int((total > LEAST_SHARE * total.max()).sum()) if total.max() > 0 else 0
    return float(noticed ** (1 / len(size)))


def _middle(out: Tensor) -> Tensor:
    """``(batch, F, *cells)`` to the features of the middle cell of the first, ``(F,)``."""
    found = out[0]
    for n in out.shape[2:]:
        found = found[:, n // 2]
    return found
