"""What training and tuning cases were like, measured as every later image is: the ground of a package's limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.imaging.grid.geometry import axis_codes
from overread.imaging.image import Image
from overread.imaging.intensity.color import to_gray, to_rgb
from overread.imaging.intensity.uptake import in_suv
from overread.imaging.intensity.window import windowed
from overread.runtime.looks import beyond, looks
from overread.runtime.manifest import GreyLimits, Intensity, Preprocess
from overread.runtime.normalise import normalise

PERCENTILES = (5, 25, 50, 75, 95)
SPREAD, ROOM = 0.5, 0.25
"""A percentile may lie beyond those of training and tuning by half their range and a quarter of a deviation."""
ABSOLUTE = ("fixed", "nyul")
"""Methods of scaling whose values mean the same in every image."""
COLORED = 0.08
"""Of the brightest value, by which a coloured pixel's channels differ: compressed gray stays below."""
GRAY = 0.1
"""Share of coloured pixels up to which a picture is gray with marks on it."""
LOOKED_AT = 1 << 18
"""Pixels or voxels that are enough for percentiles."""


@dataclass(frozen=True)
class Seen:
    """One image, as its limits see it.

    Attributes
    ----------
    size, spacing
        Voxels, and mm, per axis; of a volume right-left, front-back, foot-head.
    color
        Share of coloured pixels, None where colour is no question.
    grey_values
        ``(channels, percentiles)`` of the network's input.
    looks
        See `overread.runtime.looks`.
    """

    size: tuple[int, ...]
    spacing: tuple[float, ...]
    color: float | None
    grey_values: NDArray[np.float64]
    looks: NDArray[np.float64]

    @classmethod
    def of(cls, image: Image, spec: Preprocess) -> Seen:
        """What ``image`` is like. Raises InputError as `in_suv`."""
        order = canonical_axes(image)
        return cls(
            tuple(image.spatial[a] for a in order),
            tuple(image.spacing[a] for a in order),
            colored_share(image, spec),
            input_percentiles(image, spec),
            looks(image),
        )


def canonical_axes(image: Image) -> list[int]:
    """Order of the image's axes as (left-right, back-front, foot-head) for volumes, as stored in 2D."""
    if len(image.spatial) == 2:
        return [0, 1]
    codes = axis_codes(image.affine)
    return [next(a for a, code in enumerate(codes) if code in pair) for pair in ("RL", "AP", "SI")]


def colored_share(image: Image, spec: Preprocess) -> float | None:
    """Share of the pixels of a picture whose channels differ; None where the package's channels are no colours."""
    if spec.color == "as_is" or len(image.spatial) != 2:
        return None
    if len(image.array) != 3:
        return 0.0
    step = max(1, round((np.prod(image.spatial) / LOOKED_AT) ** 0.5))
    x = image.array[:, ::step, ::step].astype(np.float32)
    most = max(float(np.percentile(x, 99.5)), 1e-6)
    return float((x.max(axis=0) - x.min(axis=0) > COLORED * most).mean())


def input_percentiles(image: Image, spec: Preprocess) -> NDArray[np.float64]:
    """``(channels, percentiles)`` of the network's input; NaN for a channel whose scale is each image's own."""
    if spec.color == "gray":
        image = to_gray(image)
    elif spec.color == "rgb":
        image = to_rgb(image)
    step = max(1, round((np.prod(image.spatial) / LOOKED_AT) ** (1 / len(image.spatial))))
    thin = image.with_(array=image.array[(slice(None), *[slice(None, None, step)] * len(image.spatial))])
    thin = in_suv(thin, [s.suv for s in spec.intensity])
    thin = windowed(thin) if spec.window else thin
    nothing = np.full(len(PERCENTILES), np.nan)
    return np.stack(
        [
            np.percentile(normalise(c, s), PERCENTILES) if is_absolute(s) else nothing
            for c, s in zip(thin.array, spec.intensity, strict=True)
        ]
    )


def is_absolute(intensity: Intensity) -> bool:
    """Whether grey values mean the same in every image."""
    return intensity.method in ABSOLUTE


def grey_limits(seen: Sequence[Seen], *, patients: int) -> list[GreyLimits]:
    """Per channel of the network, the range of percentiles that is answered: `SPREAD` and `ROOM` beyond those seen, and
    further where the ``patients`` are few, by `overread.runtime.looks.beyond`."""
    every = np.stack([s.grey_values for s in seen])
    further = beyond(patients)
    out = []
    for channel in np.moveaxis(every, 1, 0):
        if np.isnan(channel).any():
            out.append(GreyLimits(percentiles=[], low=[], high=[]))
            continue
        low, middle, high = (np.quantile(channel, q, axis=0) for q in (0, 0.5, 1))
        room = SPREAD * further * (high - low) + ROOM
        below, above = middle - further * (middle - low) - room, middle + further * (high - middle) + room
        out.append(GreyLimits(percentiles=list(PERCENTILES), low=below.tolist(), high=above.tolist()))
    return out


def color_limits(shares: Iterable[float | None]) -> tuple[float, float] | None:
    """Shares of coloured pixels that are answered: gray pictures with few more marks on them, or coloured ones that are
    at least half as coloured as any seen; both where both were seen."""
    known = [s for s in shares if s is not None]
    if not known:
        return None
    low, high = min(known), max(known)
    return (low / 2 if low > GRAY else 0.0), (1.0 if high > GRAY else high + GRAY)
