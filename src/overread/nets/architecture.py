"""What a network is known by: one `Architecture` a file, listed in `overread.nets.networks.NETWORKS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from torch import Tensor, nn

from overread.task import AnswerKind

WHOLE_IMAGE: frozenset[AnswerKind] = frozenset({"classes", "findings", "value"})
"""What every network gives that has one vector of numbers an image (`overread.nets.classifier`)."""

Outputs: TypeAlias = dict[str, Tensor]
"""What a network gives, by name; each ``(batch, channels[, *cells])``."""


@dataclass(frozen=True)
class Need:
    """What a network's default arguments follow from.

    ``size`` is the input's voxels per axis, ``spacing`` their distances in mm; ``gpu`` whether there is one.
    ``object_size`` is the extent in voxels per axis of the objects to be found, empty where there are none to find.
    ``first_stride`` above 1 asks for a first stage that shrinks every axis so, ``first_width`` for its channels and
    ``widest`` for the most of any stage: what time allows, for the networks that have a choice.
    """

    dimensions: int
    size: tuple[int, ...]
    spacing: tuple[float, ...]
    gpu: bool
    object_size: tuple[float, ...] = ()
    first_stride: int = 1
    first_width: int | None = None
    widest: int | None = None


def full_resolution(arguments: Mapping[str, Any], dimensions: int) -> tuple[int, ...]:
    """One of every axis: any size will do, or every voxel has its own cell."""
    return (1,) * dimensions


@dataclass(frozen=True)
class Architecture:
    """One architecture, for 2D and 3D.

    Attributes
    ----------
    build
        ``(dimensions, channels, labels, **arguments)`` to a module that takes ``(batch, channels, *spatial)`` and gives
        one tensor (``logits``) or `Outputs`. Raises InputError for arguments that do not fit each other.
    answers
        The kinds of answer it can give.
    arguments
        Default arguments for a size, spacing and machine.
    multiple
        Arguments to what each axis of a patch must be a multiple of.
    layers
        Names of the modules where explanations look, in the order the image passes them.
    source
        Paper and, where it is not ours, the library.
    outputs
        Names of what the module gives.
    stride
        Arguments to the voxels of input per cell of a dense output, by axis.
    licence
        Of the code, by its SPDX identifier; weights have licences of their own.
    """

    build: Callable[..., nn.Module]
    answers: frozenset[AnswerKind]
    arguments: Callable[[Need], dict[str, Any]]
    multiple: Callable[[Mapping[str, Any], int], tuple[int, ...]]
    layers: Callable[[nn.Module], Sequence[str]]
    source: str
    outputs: tuple[str, ...] = ("logits",)
    stride: Callable[[Mapping[str, Any], int], tuple[int, ...]] = full_resolution
    licence: str = "Apache-2.0"


def by_name(output: Tensor | Outputs | Sequence[Tensor]) -> Outputs:
    """A module's output by name: a lone tensor holds the logits, and of several the others are coarser ones."""
    if isinstance(output, Tensor):
        return {"logits": output}
    if isinstance(output, Mapping):
        return dict(output)
    return {f"logits_{i}" if i else "logits": value for i, value in enumerate(output)}
