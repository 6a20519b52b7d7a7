"""A network of another framework as ONNX, checked against itself before it is trusted."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from overread.errors import OverreadError
from overread.runtime.engine import Engine

TOLERANCE = 1e-4
"""Largest difference of an output from the origin's, relative to the largest value where that is above 1."""
OPSET = 17
DRAWN = 2


@dataclass(frozen=True)
class Converted:
    """ONNX bytes and the largest absolute difference from the origin over `DRAWN` inputs drawn at random."""

    model: bytes
    difference: float


class Turned(nn.Module):
    """A network that takes axes in another order: ``order[i]`` is the given axis that becomes the network's axis i.

    ``slices`` puts a 2D network on volumes of one slice along the network's first axis.
    """

    def __init__(self, network: nn.Module, order: Sequence[int], *, slices: bool = False) -> None:
        super().__init__()
        self.network, self.slices = network, slices
        self.there = [0, 1, *(2 + a for a in order)]
        self.back = [0, 1, *(2 + list(order).index(a) for a in range(len(order)))]

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(self.there)
        out = self.network(x[:, :, 0])[:, :, None] if self.slices else self.network(x)
        return out.permute(self.back)


def to_onnx(network: nn.Module, channels: int, size: Sequence[int], *, free: bool = False) -> Converted:
    """Export for inputs ``(batch, channels, *size)`` of any batch, and of any size where ``free``.

    Raises OverreadError where ONNX Runtime's answer differs from the network's by more than `TOLERANCE`.
    """
    network = network.eval()
    example = torch.zeros(1, channels, *size)
    axes = {0: "batch"} | ({2 + a: f"axis{a}" for a in range(len(size))} if free else {})
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        file = Path(folder) / "model.onnx"
        torch.onnx.export(
            network,
            (example,),
            file,
            input_names=["image"],
            output_names=["logits"],
            dynamic_axes={"image": axes, "logits": axes if free else {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )
        model = file.read_bytes()
    return Converted(model, largest_difference(model, network, channels, size))


@torch.no_grad()
def largest_difference(model: bytes, network: nn.Module, channels: int, size: Sequence[int]) -> float:
    """Of the first output of an ONNX ``model`` from ``network``'s on drawn inputs.

    Raises OverreadError as `to_onnx`.
    """
    engine, rng, worst = Engine(model, "the converted network"), np.random.default_rng(0), 0.0
    for _ in range(DRAWN):
        x = rng.normal(size=(1, channels, *size)).astype(np.float32)
        expected = network(torch.from_numpy(x)).numpy()
        difference = float(np.abs(next(iter(engine(x).values())) - expected).max())
        allowed = TOLERANCE * max(1.0, float(np.abs(expected).max()))
        if not difference <= allowed:
            raise OverreadError(
                f"the converted network differs from its origin by {difference:.2g} on an input drawn at random, at "
                f"most {allowed:.2g} is accepted; nothing was written"
            )
        worst = max(worst, difference)
    return worst
