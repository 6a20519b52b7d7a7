"""What a network is known by: one `Architecture` a file, listed in `overread.nets.build.NETWORKS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from overread.task import AnswerKind


@dataclass(frozen=True)
class Need:
    """What a network's default arguments follow from.

    ``size`` is the input's voxels per axis, ``spacing`` their distances in mm; ``gpu`` whether there is one.
    """

    dimensions: int
    size: tuple[int, ...]
    spacing: tuple[float, ...]
    gpu: bool


@dataclass(frozen=True)
class Architecture:
    """One architecture, for 2D and 3D.

    Attributes
    ----------
    build
        ``(dimensions, channels, outputs, **arguments)`` to a module that takes ``(batch, channels, *spatial)``.
    answers
        The kinds of answer it can give.
    arguments
        Default arguments for a size, spacing and machine.
    multiple
        Arguments to what each axis of a patch must be a multiple of.
    layers
        Names of the modules where explanations look, shallow to deep.
    source
        Paper and, where it is not ours, the library.
    """

    build: Callable[..., nn.Module]
    answers: frozenset[AnswerKind]
    arguments: Callable[[Need], dict[str, Any]]
    multiple: Callable[[Mapping[str, Any], int], tuple[int, ...]]
    layers: Callable[[nn.Module], Sequence[str]]
    source: str
