"""Networks by name; a network's library is imported when one is built."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from torch import nn

from overread.errors import InputError
from overread.nets.architecture import Architecture
from overread.nets.centernet import CENTERNET
from overread.nets.label_maps import LABEL_MAPS
from overread.nets.slices import SLICES
from overread.nets.whole_images import WHOLE_IMAGES
from overread.task import AnswerKind

NETWORKS: dict[str, Architecture] = {
    **WHOLE_IMAGES,
    "slices": SLICES,
    **LABEL_MAPS,
    "centernet": CENTERNET,
}


def architecture(name: str, *, answer: AnswerKind | None = None) -> Architecture:
    """The architecture ``name``, which must be able to give ``answer``. Raises InputError naming those that are."""
    fit = [k for k, v in NETWORKS.items() if answer is None or answer in v.answers]
    if name not in NETWORKS:
        raise InputError(f"network: found {name!r}, expected one of {', '.join(fit)}")
    if name not in fit:
        raise InputError(
            f"network: {name!r} gives {', '.join(sorted(NETWORKS[name].answers))}, expected one that gives {answer}: "
            f"{', '.join(fit) or 'there is none'}"
        )
    return NETWORKS[name]


def build(name: str, dimensions: int, channels: int, labels: int, arguments: Mapping[str, Any]) -> nn.Module:
    """The network ``name`` for images of ``dimensions`` axes; ``arguments`` are those of its own ``build``.

    Raises
    ------
    InputError
        Unknown name, an argument that is missing, unknown or does not fit; name, found and expected are stated.
    """
    made = architecture(name)
    known = {
        k: p
        for k, p in inspect.signature(made.build).parameters.items()
        if p.kind is inspect.Parameter.KEYWORD_ONLY
    }
    unknown = [k for k in arguments if k not in known]
    missing = [k for k, p in known.items() if p.default is inspect.Parameter.empty and k not in arguments]
    if unknown or missing:
        what = f"argument {unknown[0]!r} is unknown" if unknown else f"argument {missing[0]!r} is missing"
        raise InputError(
            f"network {name}: {what}; found {', '.join(arguments) or 'none'}, expected {', '.join(known) or 'none'}"
        )
    try:
        return made.build(dimensions, channels, labels, **arguments)
    except (TypeError, ValueError) as error:
        given = ", ".join(f"{k}={v!r}" for k, v in arguments.items())
        raise InputError(
            f"network {name}: cannot be built from {given} for {dimensions}D and {channels} channels: "
            f"{' '.join(str(error).split())}"
        ) from error


def parameters_of(network: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)
