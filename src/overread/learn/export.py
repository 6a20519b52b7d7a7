"""From a trained network to ONNX, measured against the original before it is trusted."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from overread.errors import OverreadError
from overread.learn.memory_format import in_format
from overread.learn.plan import Plan
from overread.nets.architecture import by_name
from overread.runtime.engine import Engine

TOLERANCE = 1e-3


@dataclass(frozen=True)
class Exported:
    """ONNX bytes, and the largest absolute difference of each output from torch on real inputs, by its name."""

    model: bytes
    differences: Mapping[str, float]
    inputs: int

    @property
    def outputs(self) -> list[str]:
        """Names of the network's outputs, in its order."""
        return list(self.differences)

    @property
    def largest_difference(self) -> float:
        """Over all outputs."""
        return max(self.differences.values())


class _InOrder(nn.Module):
    """A network whose outputs come in order and not by name, as ONNX has them."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return tuple(by_name(self.network(x)).values())


def export_onnx(network: nn.Module, plan: Plan, samples: Sequence[NDArray[np.float32]]) -> Exported:
    """Export with a free batch size and the plan's window; check every output against torch on ``samples``.

    ``samples`` are prepared inputs ``(channels, *window)``; they are answered one by one and all at once.

    Raises
    ------
    OverreadError
        The exported network answers differently from the trained one; the output is named.
    """
    network = in_format(network.eval(), torch.contiguous_format)
    example = torch.zeros(1, len(plan.channels), *plan.answered_at_once)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        names = list(by_name(network(example)))
        file = Path(folder) / "model.onnx"
        # The tracing exporter takes a fraction of a second here and needs no further package.
        torch.onnx.export(
            _InOrder(network).eval(),
            (example,),
            file,
            input_names=["image"],
            output_names=names,
            dynamic_axes={name: {0: "batch"} for name in ["image", *names]},
            dynamo=False,
        )
        model = file.read_bytes()
    differences = _differences(network, model, samples)
    for name, difference in differences.items():
        if not difference <= TOLERANCE:
            raise OverreadError(
                f"the exported network differs from the trained one by {difference:.2g} (largest difference of its "
                f"output {name} on {len(samples)} real inputs), at most {TOLERANCE:g} is accepted; the package was "
                "not written"
            )
    return Exported(model, differences, len(samples))


@torch.no_grad()
def _differences(
    network: nn.Module, model: bytes, samples: Sequence[NDArray[np.float32]]
) -> dict[str, float]:
    engine = Engine(model, "exported network")
    batches = [x[None] for x in samples]
    if len(batches) > 1:
        batches.append(np.concatenate(batches))
    worst: dict[str, float] = {}
    for batch in batches:
        expected = by_name(network(torch.from_numpy(batch)))
        found = engine(batch)
        for name, value in expected.items():
            difference = float(np.abs(found[name] - value.numpy()).max())
            # NaN is no agreement.
            worst[name] = max(worst.get(name, 0.0), difference if np.isfinite(difference) else np.inf)
    return worst
