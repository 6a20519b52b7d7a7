"""SegResNet: residual stages of group normalisation, added skips (Myronenko 2018, arXiv 1810.11654), by MONAI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from overread.errors import InputError
from overread.nets.architecture import Architecture, Need
from overread.nets.layers import scaled

FIRST, GROUPS = 32, 8
BLOCKS = (1, 2, 2, 4)


def build(
    dimensions: int,
    channels: int,
    labels: int,
    *,
    spacing: Sequence[float],
    blocks: Sequence[int] = BLOCKS,
    width: float = 1.0,
    supervised: int = 0,
) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels, *spatial)``.

    ``blocks`` are those of the stages down, ``width`` multiplies all channels, 32 at full resolution. Axes of coarser
    ``spacing`` (mm) are halved later. ``supervised`` coarser maps of the decoder are learnt from too. Without the
    paper's variational branch.
    """
    if len(spacing) != dimensions or min(spacing) <= 0:
        raise InputError(
            f"network segresnet: spacing: found {list(spacing)}, expected {dimensions} numbers above 0"
        )
    if not 0 <= supervised <= len(blocks) - 2:
        raise InputError(
            f"network segresnet: supervised: found {supervised}, expected 0 to {len(blocks) - 2}"
        )
    from monai.networks.nets.segresnet_ds import SegResNetDS

    network: nn.Module = SegResNetDS(
        spatial_dims=dimensions,
        init_filters=scaled([FIRST], width)[0],
        in_channels=channels,
        out_channels=labels,
        norm=("group", {"num_groups": GROUPS}),
        blocks_down=tuple(blocks),
        dsdepth=1 + supervised,
        resolution=tuple(spacing),
    )
    return network


def arguments(need: Need) -> dict[str, Any]:
    """Those of the paper; in volumes on a processor half the channels."""
    return {
        "spacing": [round(float(s), 4) for s in need.spacing],
        "width": 0.5 if need.dimensions == 3 and not need.gpu else 1.0,
    }


def multiple(arguments: Mapping[str, Any], dimensions: int) -> tuple[int, ...]:
    """Halved between the stages, axes of coarser spacing less often."""
    from monai.networks.nets.segresnet_ds import scales_for_resolution

    count = len(arguments.get("blocks", BLOCKS))
    scales = scales_for_resolution(list(arguments["spacing"]), n_stages=count)[: count - 1]
    found = [1] * dimensions
    for scale in scales:
        found = [n * int(s) for n, s in zip(found, scale, strict=True)]
    return tuple(found)


def layers(network: nn.Module) -> list[str]:
    """Down the encoder and up the decoder."""
    down: Any = network.get_submodule("encoder.layers")
    up: Any = network.up_layers
    return [
        *(f"encoder.layers.{i}.blocks" for i in range(len(down))),
        *(f"up_layers.{i}.blocks" for i in range(len(up))),
    ]


SEGRESNET = Architecture(
    build=build,
    answers=frozenset({"label_map"}),
    arguments=arguments,
    multiple=multiple,
    layers=layers,
    source="Myronenko 2018, arXiv 1810.11654; MONAI SegResNetDS",
)
