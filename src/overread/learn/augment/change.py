"""One image's change: drawn first as plain numbers that can be stored and replayed, then applied.

The numbers of one image depend only on (seed, transform, epoch, index): never on the order of workers, on other images
or on what other transforms there are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from overread.errors import InputError
from overread.learn.augment.grey_values import GREY_VALUES
from overread.learn.augment.labels import LabelReader
from overread.learn.augment.linear import read
from overread.learn.augment.places import Places
from overread.learn.augment.random import generator
from overread.learn.augment.spatial import Spatial, draw_spatial, mirrored
from overread.learn.example import Readable
from overread.learn.plan import Augment


@dataclass(frozen=True)
class Change:
    """The drawn parameters of one image: where it is read, and what each grey-value transform does, by name.

    A transform has one entry for all channels, or one a channel; an empty one changes nothing.
    """

    spatial: Spatial
    grey_values: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

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
        color = getattr(transform, "COLOR", False)
        own = 1 if color else spec.channels
        purposes = [name, *(f"{name}.{c}" for c in range(1, own))] if most else []
        drawn = [transform.draw(most, random(purpose)) for purpose in purposes]
        if color:
            drawn = [one | {"black": spec.black, "white": spec.white} for one in drawn if one]
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
        change that reads beyond the patch finds the image there, and beyond the image its repeated edge. Tensors are
        changed on their own device.
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
    turned = mirrored(change.spatial)
    if turned is not None:
        lines = [
            np.clip(first + (np.arange(s)[::-1] if back else np.arange(s)), 0, n - 1)
            for first, s, back, n in zip(start, size, turned, spatial, strict=True)
        ]
        label = None if mask is None else _picked(mask, lines)
        return _greyed(_picked(image, lines, skip=1), change), label
    device = image.device if isinstance(image, Tensor) else "cpu"
    at = Places(change.spatial, size, start=start, spacing=spacing, device=device)
    whole = isinstance(image, Tensor | np.ndarray) and isinstance(mask, Tensor | np.ndarray | None)
    cut = [slice(None)] * len(size)
    if not whole or 2 * math.prod(size) < math.prod(spatial):
        # Only what is read is cut out: the rest of a large image is not needed.
        bounds = zip(spatial, at.bounds(), strict=True)
        cut = [
            slice(min(max(int(low), 0), n - 1), max(min(int(high) + 2, n), 1)) for n, (low, high) in bounds
        ]
        cut = [slice(c.start, max(c.stop, c.start + 1)) for c in cut]
        moved = [first - c.start for first, c in zip(start, cut, strict=True)]
        at = Places(change.spatial, size, start=moved, spacing=spacing, device=device)
    channels = torch.as_tensor(image[(slice(None), *cut)]).contiguous()
    labels = None if mask is None else LabelReader(torch.as_tensor(mask[tuple(cut)]))
    changed, label = read(channels, at, labels)
    return _greyed(changed, change), label


def _picked(array: Readable, lines: Sequence[NDArray[np.intp]], *, skip: int = 0) -> Tensor:
    """Voxels of ``array`` at the indices along each axis, after the first ``skip`` axes: nothing is interpolated."""
    cut = tuple(slice(int(line.min()), int(line.max()) + 1) for line in lines)
    out = torch.as_tensor(array[(*[slice(None)] * skip, *cut)])
    own = out
    for axis, (line, part) in enumerate(zip(lines, cut, strict=True), skip):
        if len(line) != out.shape[axis] or (len(line) > 1 and (np.diff(line) != 1).any()):
            out = out.index_select(axis, torch.from_numpy(line - part.start).to(out.device))
    # Grey values are changed in place: never those of the image itself.
    return out.clone() if out is own else out


def _greyed(x: Tensor, change: Change) -> Tensor:
    for name, drawn in change.grey_values.items():
        transform = GREY_VALUES[name]
        if len(drawn) == 1:
            x = transform.apply(x, drawn[0])
        else:
            each = zip(x.split(1), drawn, strict=True)
            x = torch.cat([transform.apply(one, numbers) if numbers else one for one, numbers in each])
    return x


def _generator(seed: int, epoch: int, index: int, purpose: str) -> Any:
    return generator(seed, purpose, epoch, index)
