"""One network, layer by layer, in 2D, 2.5D and 3D side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from overread.errors import InputError
from overread.nets.field import effective_field
from overread.nets.figures import Figures, figures
from overread.nets.named import USUAL_SIZE, defaults
from overread.nets.networks import NETWORKS, architecture
from overread.nets.networks import build as build_from

FORMS = ("2D", "2.5D", "3D")
# Slices of a volume seen in 2.5D where nobody told: as thick ones have.
USUAL_SLICES = 32


@dataclass(frozen=True)
class Form:
    """A network in one of `FORMS`: its figures, and the effective receptive field in voxels (None: not measured)."""

    form: str
    figures: Figures
    effective: float | None


def inspect(
    name: str,
    *,
    channels: int = 1,
    outputs: int = 2,
    size: Sequence[int] | None = None,
    effective: bool = True,
    **arguments: Any,
) -> list[Form]:
    """The network ``name`` as it is in 2D, in 2.5D (for networks of whole images) and in 3D.

    Parameters
    ----------
    channels, outputs
        Of the image, and numbers to give.
    size
        Voxels per axis: two for 2D, three for 2.5D and 3D, which are then the only forms; without it the usual ones.
    effective
        Measure the effective receptive field too, of random weights, which takes some seconds.
    arguments
        Of the network itself.

    Raises
    ------
    InputError
        An unknown name, or a size or argument that does not fit.
    """
    made = architecture(name)
    if size and len(size) not in USUAL_SIZE:
        raise InputError(f"network {name}: size: found {list(size)}, expected 2 or 3 numbers")
    whole = "classes" in made.answers and name != "slices"
    found = []
    for form in FORMS:
        dims = 2 if form == "2D" else 3
        if (size and len(size) != dims) or (form == "2.5D" and not whole) or (dims == 2 and name == "slices"):
            continue
        called, given, shape = name, dict(arguments), tuple(size) if size else None
        if form == "2.5D":
            shape = shape or (USUAL_SIZE[2], USUAL_SIZE[2], USUAL_SLICES)
            plane = defaults(name, 2, shape[:2]) | given
            called, given = "slices", {"plane": name, "arguments": plane, "axis": 2}
        told = figures(called, dims=dims, channels=channels, outputs=outputs, size=shape, arguments=given)
        noticed = None
        if effective:
            torch.manual_seed(0)
            given = defaults(called, dims, told.size) | given
            if form == "2.5D":
                # Within a slice: the middle one alone, whose neighbours are its channels.
                network = build_from(name, 2, channels * 3, outputs, given["arguments"])
                noticed = effective_field(network, told.size[:2], channels=channels * 3)
            else:
                network = build_from(called, dims, channels, outputs, given)
                noticed = effective_field(network, told.size, channels=channels)
        found.append(Form(form, told, noticed))
    return found


def table(
    dims: int, *, channels: int = 1, outputs: int = 2, size: Sequence[int] | None = None
) -> list[Figures]:
    """The figures of every network that takes images of ``dims`` axes, in the order of their table."""
    return [
        figures(name, dims=dims, channels=channels, outputs=outputs, size=size)
        for name in NETWORKS
        if dims == 3 or name != "slices"
    ]
