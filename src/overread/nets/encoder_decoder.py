"""What networks for label maps have in common: down, up again with what was seen on the way, and a head.

Deep supervision (Lee 2015, arXiv 1409.5185): ``supervised`` heads on the decoder's coarser maps, which answer while the
network learns and are not there when it answers or is exported.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from overread.errors import InputError
from overread.nets.architecture import Outputs
from overread.nets.layers import LAYERS

INSTANCE = ("instance", {"affine": True})
"""The normalisation of MONAI's blocks: batches of volumes are too small for statistics over them."""


class EncoderDecoder(nn.Module):
    """``(batch, channels, *spatial)`` to logits ``(batch, labels, *spatial)``, or in training to `Outputs`.

    ``encoder`` are modules one after the other, each of whose maps is kept; ``bottleneck`` sees the last one;
    ``decoder`` are modules of a map and the kept one beside it, coarsest first; ``head`` makes logits of the finest.
    ``supervision`` are heads for the coarser maps, finest first: ``logits_1``, ``logits_2`` ...
    """

    def __init__(
        self,
        encoder: Sequence[nn.Module],
        decoder: Sequence[nn.Module],
        head: nn.Module,
        *,
        bottleneck: nn.Module | None = None,
        supervision: Sequence[nn.Module] = (),
    ) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(encoder)
        self.bottleneck = bottleneck or nn.Identity()
        self.decoder = nn.ModuleList(decoder)
        self.head = head
        self.supervision = nn.ModuleList(supervision)

    def forward(self, x: Tensor) -> Tensor | Outputs:
        """Logits; in training with the coarser ones, by name."""
        seen = []
        for block in self.encoder:
            x = block(x)
            seen.append(x)
        x = self.bottleneck(x)
        maps = []
        for i, block in enumerate(self.decoder):
            x = block(x, seen[-2 - i])
            maps.append(x)
        return answers(self.head(x), maps, self.supervision, training=self.training)


def answers(
    logits: Tensor, maps: Sequence[Tensor], supervision: nn.ModuleList, *, training: bool
) -> Tensor | Outputs:
    """``logits``, and in ``training`` those that the heads of ``supervision`` make of the decoder's ``maps``.

    ``maps`` are in the order of the decoder, coarsest first; the last is that of the logits themselves.
    """
    if not training or not len(supervision):
        return logits
    coarser = {f"logits_{i}": head(maps[-1 - i]) for i, head in enumerate(supervision, start=1)}
    return {"logits": logits, **coarser}


def heads(
    name: str, dimensions: int, widths: Sequence[int], labels: int, *, supervised: int
) -> list[nn.Module]:
    """Heads for ``supervised`` of the decoder's coarser maps, whose channels are ``widths``, finest first.

    Raises InputError for more than there are.
    """
    if not 0 <= supervised <= len(widths):
        raise InputError(f"network {name}: supervised: found {supervised}, expected 0 to {len(widths)}")
    return [LAYERS[dimensions].conv(width, labels, 1) for width in widths[:supervised]]


def layers(network: nn.Module) -> list[str]:
    """Down the encoder, the bottleneck where it does something, and up the decoder."""
    down: Any = network.encoder
    up: Any = network.decoder
    middle = [] if isinstance(network.bottleneck, nn.Identity) else ["bottleneck"]
    return [*(f"encoder.{i}" for i in range(len(down))), *middle, *(f"decoder.{i}" for i in range(len(up)))]
