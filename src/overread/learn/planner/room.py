"""What there is to plan in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Room:
    """Network, cases and machine.

    Attributes
    ----------
    dimensions, channels, outputs
        Of the network's input and output.
    cases
        Number of training cases.
    voxels
        The most that the network may see at once on this machine.
    gpu
        Whether a GPU is there.
    zoom
        Share of themselves that pictures without a physical scale become.
    first_stride, first_width, widest
        Of a network that has the choice: by how much its first stage shrinks, its channels, and the most of any stage;
        None for the network's own defaults.
    weights, side
        The architecture that pretrained weights are of, and the side in pixels of a square of as many pixels as its
        grid; empty and 0 for a network that starts from chance.
    """

    dimensions: int
    channels: int
    outputs: int
    cases: int
    voxels: int
    gpu: bool
    zoom: float = 1.0
    first_stride: int = 1
    first_width: int | None = None
    widest: int | None = None
    weights: str = ""
    side: int = 0
