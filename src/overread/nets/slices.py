"""2.5D: a 2D network looks at every slice of a volume with its neighbours, and attention pools the slices.

Stacks of neighbouring slices as channels (Roth 2014, arXiv 1406.2639), slices as the instances of a bag (Ilse 2018,
arXiv 1802.04712). It takes volumes and gives what a 3D network gives, at the cost of a 2D one a slice; weights of
pictures begin its body.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from overread.errors import InputError
from overread.nets.architecture import WHOLE_IMAGE, Architecture, Need, full_resolution
from overread.nets.classifier import Classifier, linear_head
from overread.nets.pool import build_pool
from overread.nets.whole_images import WHOLE_IMAGES

STACK = 3
PLANE = "resnet18"


class Slices(nn.Module):
    """The 2D body ``plane`` on each slice: ``(batch, channels, *spatial)`` to ``(batch, F, *cells)``.

    Slices are those along array ``axis`` (0 to 2); each is seen with its neighbours, ``stack`` in all, those outside
    the volume being its outermost slice. Cells have the volume's own axes, that of the slices at full resolution.
    """

    def __init__(self, plane: nn.Module, *, stack: int, axis: int) -> None:
        super().__init__()
        self.plane, self.stack, self.axis = plane, stack, axis

    def forward(self, x: Tensor) -> Tensor:
        """One map of every volume."""
        x = x.movedim(2 + self.axis, 4) if self.axis != 2 else x
        batch, channels, rows, columns, slices = x.shape
        side = self.stack // 2
        if side:
            x = F.pad(x, (side, side, 0, 0, 0, 0), mode="replicate")
        # ONNX has no operator for sliding windows: one shifted volume for each place in the stack.
        stacks = torch.stack([x.narrow(4, i, slices) for i in range(self.stack)], -1)
        planes = stacks.permute(0, 4, 1, 5, 2, 3).reshape(-1, channels * self.stack, rows, columns)
        maps = self.plane(planes)
        maps = maps.reshape(batch, slices, *maps.shape[1:]).permute(0, 2, 3, 4, 1)
        return maps.movedim(4, 2 + self.axis) if self.axis != 2 else maps


class SlicePool(nn.Module):
    """First the cells of each slice along ``axis``, then the slices: ``(batch, F, *cells)`` to ``(batch, F')``."""

    def __init__(self, within: nn.Module, over: nn.Module, *, axis: int) -> None:
        super().__init__()
        self.within, self.over, self.axis = within, over, axis

    def forward(self, x: Tensor) -> Tensor:
        """One vector of every volume."""
        x = x.movedim(2 + self.axis, 4) if self.axis != 2 else x
        batch, width, *cells, slices = x.shape
        each = self.within(x.permute(0, 4, 1, 2, 3).reshape(-1, width, *cells))
        pooled: Tensor = self.over(each.reshape(batch, slices, -1).transpose(1, 2))
        return pooled


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    plane: str = PLANE,
    arguments: dict[str, Any],
    stack: int = STACK,
    axis: int = 2,
    pool: str = "attention",
    dropout: float = 0.0,
) -> nn.Module:
    """``(batch, channels, *spatial)`` of volumes to logits ``(batch, labels)``.

    ``plane`` is the name of the network for each stack of ``stack`` slices (an odd number) along array ``axis``, and
    ``arguments`` are its own; ``pool`` pools the slices. Raises InputError for pictures, or what does not fit.
    """
    if dimensions != 3:
        raise InputError(f"network slices: found images of {dimensions} axes, expected volumes")
    if stack < 1 or stack % 2 == 0 or axis not in (0, 1, 2):
        raise InputError(
            f"network slices: found stack {stack} along axis {axis}, expected an odd number along 0, 1 or 2"
        )
    if plane not in WHOLE_IMAGES:
        raise InputError(f"network slices: plane: found {plane!r}, expected a network for whole images")
    whole = WHOLE_IMAGES[plane].build(2, channels * stack, labels, **arguments)
    assert isinstance(whole, Classifier)
    linear = next(m for m in reversed(list(whole.head.modules())) if isinstance(m, nn.Linear))
    over, length = build_pool(pool, linear.in_features, 1)
    body = Slices(whole.body, stack=stack, axis=axis)
    return Classifier(
        body, SlicePool(whole.pool, over, axis=axis), linear_head(length, labels, dropout=dropout)
    )


def arguments(need: Need) -> dict[str, Any]:
    """Slices along the axis whose voxels lie farthest apart, the last where none does."""
    axis = max(range(need.dimensions), key=lambda a: (need.spacing[a], a))
    inside = [a for a in range(need.dimensions) if a != axis][:2]
    plane = Need(2, tuple(need.size[a] for a in inside), tuple(need.spacing[a] for a in inside), need.gpu)
    return {"plane": PLANE, "arguments": WHOLE_IMAGES[PLANE].arguments(plane), "stack": STACK, "axis": axis}


SLICES = Architecture(
    build=build,
    answers=WHOLE_IMAGE,
    arguments=arguments,
    multiple=full_resolution,
    layers=lambda network: ["body"],
    source="Roth 2014, arXiv 1406.2639; Ilse 2018, arXiv 1802.04712; own code",
)
