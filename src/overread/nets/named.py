"""The door to all networks: one by its name, with the defaults for its images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from overread.errors import InputError
from overread.nets.architecture import Need
from overread.nets.networks import architecture
from overread.nets.networks import build as build_from

# Voxels per axis of an image whose size nobody told.
USUAL_SIZE = {2: 224, 3: 96}


def build(
    name: str,
    *,
    dims: int,
    channels: int,
    outputs: int,
    size: Sequence[int] | None = None,
    spacing: Sequence[float] | None = None,
    **arguments: Any,
) -> nn.Module:
    """The network ``name`` for images of ``dims`` axes and ``channels``, with random weights.

    Parameters
    ----------
    name
        A key of `overread.nets.networks.NETWORKS`.
    dims
        2 or 3.
    channels, outputs
        Of the image, and numbers to give (of a label map: channels of every voxel).
    size, spacing
        Voxels per axis and their distances in mm, from which the network's defaults follow; 224 voxels per axis in 2D,
        96 in 3D, of 1 mm.
    arguments
        Of the network itself instead of its defaults, such as ``pool="attention"`` or ``width=0.5``.

    Raises
    ------
    InputError
        An unknown name, or an argument that does not fit.
    """
    return build_from(name, dims, channels, outputs, defaults(name, dims, size, spacing) | arguments)


def defaults(
    name: str, dims: int, size: Sequence[int] | None = None, spacing: Sequence[float] | None = None
) -> dict[str, Any]:
    """The arguments of the network ``name`` for images of ``size`` voxels, ``spacing`` mm apart. Raises InputError."""
    if dims not in USUAL_SIZE:
        raise InputError(f"network {name}: dims: found {dims}, expected 2 or 3")
    size = tuple(size) if size else (USUAL_SIZE[dims],) * dims
    spacing = tuple(spacing) if spacing else (1.0,) * dims
    for key, value in (("size", size), ("spacing", spacing)):
        if len(value) != dims or min(value) <= 0:
            raise InputError(f"network {name}: {key}: found {list(value)}, expected {dims} numbers above 0")
    return architecture(name).arguments(Need(dims, size, spacing, False))


def size_of(text: str) -> tuple[int, ...]:
    """``64x64x32`` as voxels per axis. Raises InputError for what is none."""
    parts = text.lower().split("x")
    if not all(p.strip().isdecimal() and int(p) > 0 for p in parts):
        raise InputError(f"size: found {text!r}, expected voxels per axis, such as 64x64x32")
    return tuple(int(p) for p in parts)
