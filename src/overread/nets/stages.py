"""Stages of encoder-decoder networks: how often each axis is halved (Isensee 2021, doi 10.1038/s41592-020-01008-z)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from overread.errors import InputError

SMALLEST_FEATURE_MAP = 4
FEWEST_STAGES = 3
MOST_STAGES = {2: 6, 3: 5}
WIDEST = {2: 512, 3: 320}


def stages(
    size: Sequence[float], spacing: Sequence[float], *, first_stride: int = 1
) -> tuple[list[list[int]], list[list[int]]]:
    """Strides and kernels ``[stage][axis]`` for an input of ``size`` voxels, ``spacing`` mm apart.

    The first stage keeps the resolution, or shrinks every axis by ``first_stride``. An axis is halved while it keeps at
    least 4 voxels and its spacing is not over twice the finest; kernels span 3 voxels along axes of about the finest
    spacing, else 1.
    """
    d = len(size)
    now, mm = [n / first_stride for n in size], [s * first_stride for s in spacing]
    strides, kernels = [[first_stride] * d], [[3 if s <= 2 * min(mm) else 1 for s in mm]]
    while len(strides) < MOST_STAGES[d]:
        finest = min(mm)
        stride = [
            2 if n >= 2 * SMALLEST_FEATURE_MAP and s <= 2 * finest else 1
            for n, s in zip(now, mm, strict=True)
        ]
        if max(stride) == 1 and len(strides) >= FEWEST_STAGES:
            break
        now = [n / s for n, s in zip(now, stride, strict=True)]
        mm = [m * s for m, s in zip(mm, stride, strict=True)]
        strides.append(stride)
        kernels.append([3 if m <= 2 * min(mm) else 1 for m in mm])
    return strides, kernels


def first_width(dimensions: int, gpu: bool) -> int:
    """Channels of the first stage: 3D at full resolution is too much for a processor with more."""
    return 32 if gpu or dimensions == 2 else 16


def widths(first: int, count: int, dimensions: int, *, widest: int | None = None) -> list[int]:
    """Channels of ``count`` stages: doubled at each, up to ``widest`` or `WIDEST`."""
    return [min(first * 2**i, widest or WIDEST[dimensions]) for i in range(count)]


def strides_together(strides: Sequence[Sequence[int]], dimensions: int) -> tuple[int, ...]:
    """Voxels of input per cell after all stages, by axis."""
    return tuple(math.prod(s[a] for s in strides) for a in range(dimensions))


def check_stages(
    name: str,
    dimensions: int,
    *,
    widths: Sequence[int],
    strides: Sequence[Sequence[int]],
    kernels: Sequence[Sequence[int]],
) -> None:
    """Raise InputError unless every stage has a width and, for each axis, a stride and an odd kernel."""
    for key, value in (("strides", strides), ("kernels", kernels)):
        if len(value) != len(widths):
            raise InputError(
                f"network {name}: {key}: found {len(value)} stages, expected {len(widths)} as in widths"
            )
        for i, stage in enumerate(value):
            if (
                len(stage) != dimensions
                or min(stage) < 1
                or (key == "kernels" and any(k % 2 == 0 for k in stage))
            ):
                raise InputError(
                    f"network {name}: {key}[{i}]: found {list(stage)}, expected {dimensions} "
                    + ("odd numbers" if key == "kernels" else "numbers from 1")
                )
    if len(widths) < 2 or min(widths) < 1:
        raise InputError(f"network {name}: widths: found {list(widths)}, expected at least two, each from 1")
