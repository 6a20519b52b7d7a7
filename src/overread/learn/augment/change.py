"""One image's change: drawn first as plain numbers that can be stored and replayed, then applied.

The numbers of one image depend only on (seed, transform, epoch, index): never on the order of workers, on other images
or on what other transforms there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from overread.errors import InputError
from overread.learn.augment.grey_values import GREY_VALUES
from overread.learn.augment.labels import Ranks
from overread.learn.augment.random import generator
from overread.learn.augment.spatial import Spatial, draw_spatial, sampling_grid
from overread.learn.example import Readable
from overread.learn.plan import Augment


@dataclass(frozen=True)
class Change:
    """The drawn parameters of one image: where it is read, and what each grey-value transform does, by name.

    A transform has one entry for all channels, or one a channel; an empty one changes nothing.
    """

    spatial: Spatial
    grey_values: Mapping[str, Sequence[Mapping[str, float]]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Change:
        """The change that `as_dict` gave."""
        return cls(Spatial(**content["spatial"]), content["grey_values"])


def draw(spec: Augment, dimensions: int, *, seed: int, epoch: int, index: int) -> Change:
    """The change of image ``index`` in ``epoch``. Raises InputError for a grey-value transform that does not exist."""
    unknown = [name for name in spec.grey_values if name not in GREY_VALUES]
    if unknown:
        raise InputError(
            f"augment: grey_values: found {unknown[0]!r}, expected some of {', '.join(GREY_VALUES)}"
        )
    random = partial(_generator, seed, epoch, index)
    grey_values = {}
    for name, transform in GREY_VALUES.items():
        most = spec.grey_values.get(name, 0.0)
        # The first channel's numbers are those of an image that is changed as one.
        purposes = [name, *(f"{name}.{c}" for c in range(1, spec.channels))] if most else []
        drawn = [transform.draw(most, random(purpose)) for purpose in purposes]
        if any(drawn):
            grey_values[name] = drawn
    return Change(draw_spatial(spec, dimensions, random), grey_values)


def apply(
    change: Change,
    image: Readable,
    mask: Readable | None = None,
    *,
    size: tuple[int, ...] | None = None,
    start: Sequence[int] | None = None,
    spacing: Sequence[float] | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Change the patch of ``size`` that starts at voxel ``start`` of an image, and of its label map, alike.

    Parameters
    ----------
    image, mask
        ``(channels, *spatial)`` float32 and ``(*spatial)`` integers, of which only the part in question is read. A
        change that reads beyond the patch finds the image there, and beyond the image its repeated edge.
    size, start
        The whole image by default. A start may be negative.
    spacing
        mm per voxel by axis.

    Returns
    -------
    The image ``(channels, *size)`` (linear) and the label map ``(*size)``: of each voxel the label with the largest
    share, each read linearly as the image is.
    """
    spatial = tuple(image.shape[1:])
    size = size or spatial
    start = start if start is not None else [0] * len(size)
    grid = sampling_grid(change.spatial, size, spacing=spacing)
    # Only what is read is cut out: a label map becomes float to be sampled, a large one needs the time for nothing.
    cut, d = [], len(size)
    for a, (n, s, first) in enumerate(zip(spatial, size, start, strict=True)):
        line = grid[..., d - 1 - a]
        low, high = (float((v + 1) / 2 * s + first) for v in torch.aminmax(line))
        # One voxel more on either side: linear interpolation reads two.
        lower, upper = (
            min(max(int(low) - 1, 0), n - 1),
            max(min(int(high) + 2, n), 1),
        )
        upper = max(upper, lower + 1)
        line.mul_(s / (upper - lower)).add_((s + 2 * (first - lower)) / (upper - lower) - 1)
        cut.append(slice(lower, upper))
    channels = torch.as_tensor(image[(slice(None), *cut)])
    if mask is None:
        return _greyed(_sampled(channels, grid), change), None
    ranks, n = Ranks(torch.as_tensor(mask[tuple(cut)])), len(channels)
    both = channels.new_empty((n + ranks.channels, *channels.shape[1:]))
    both[:n] = channels
    ranks.fill(both[n:])
    read = _sampled(both, grid)
    return _greyed(read[:n], change), ranks.read(read[n:], grid)


def _greyed(x: Tensor, change: Change) -> Tensor:
    for name, drawn in change.grey_values.items():
        transform = GREY_VALUES[name]
        if len(drawn) == 1:
            x = transform.apply(x, drawn[0])
        else:
            each = zip(x.split(1), drawn, strict=True)
            x = torch.cat([transform.apply(one, numbers) if numbers else one for one, numbers in each])
    return x


def _sampled(channels: Tensor, grid: Tensor) -> Tensor:
    """``(channels, *spatial)`` read linearly at the places of a grid; beyond the edge it is repeated."""
    return F.grid_sample(
        channels[None], grid[None], mode="bilinear", padding_mode="border", align_corners=False
    )[0]


def _generator(seed: int, epoch: int, index: int, purpose: str) -> Any:
    return generator(seed, purpose, epoch, index)
