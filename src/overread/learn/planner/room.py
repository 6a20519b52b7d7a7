"""What there is to plan in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Room:
    """Network, cases and machine.

    Attributes
    ----------
    dimensions, channels, labels
        Of the network's input and output.
    cases
        Number of training cases.
    voxels
        The most that the network may see at once on this machine.
    gpu
        Whether a GPU is there.
    """

    dimensions: int
    channels: int
    labels: int
    cases: int
    voxels: int
    gpu: bool
