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
from overread.nets.classifier import Classifier
from overread.runtime.engine import Engine

TOLERANCE = 1e-3
FEATURES = "features"
"""Name of the output that holds what the last layer sees."""


@dataclass(frozen=True)
class Head:
    """A network's last layer: ``weight (outputs, F)``, ``bias (outputs,)``, and the dropout before it."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    dropout: float = 0.0


@dataclass(frozen=True)
class Exported:
    """ONNX bytes, and the largest absolute difference of each output from torch on real inputs, by its name.

    ``head`` is the last layer of a network whose ``features`` are the ONNX graph's further output; None without it.
    """

    model: bytes
    differences: Mapping[str, float]
    inputs: int
    head: Head | None = None

    @property
    def outputs(self) -> list[str]:
        """Names of the network's outputs, in its order, without `FEATURES`."""
        return [name for name in self.differences if name != FEATURES]

    @property
    def largest_difference(self) -> float:
        """Over all outputs."""
        return max(self.differences.values())


class _InOrder(nn.Module):
    """A network whose outputs come in order and not by name, as ONNX has them; of a classifier its features, too."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return tuple(named_outputs(self.network, x).values())


def named_outputs(network: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """A network's outputs by name, with its `FEATURES` where it has a last layer that sees nothing else."""
    if not isinstance(network, Classifier):
        return by_name(network(x))
    features = network.features(x)
    return {"logits": network.head(features), FEATURES: features}


def head_of(network: nn.Module) -> Head | None:
    """The last layer of a classifier whose head is one linear layer, with or without dropout before it."""
    if not isinstance(network, Classifier):
        return None
    layers = [m for m in network.head.modules() if not isinstance(m, nn.Sequential)]
    linear = [m for m in layers if isinstance(m, nn.Linear)]
    dropout = [m for m in layers if isinstance(m, nn.Dropout)]
    if len(linear) != 1 or len(layers) != len(linear) + len(dropout):
        return None
    weight, bias = linear[0].weight.detach().numpy(), linear[0].bias
    zero = np.zeros(len(weight), np.float32)
    rate = dropout[0].p if dropout else 0.0
    return Head(weight, zero if bias is None else bias.detach().numpy(), rate)


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
        names = list(named_outputs(network, example))
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
    return Exported(model, differences, len(samples), head_of(network))


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
        expected = named_outputs(network, torch.from_numpy(batch))
        found = engine(batch)
        for name, value in expected.items():
            difference = float(np.abs(found[name] - value.numpy()).max())
            # NaN is no agreement.
            worst[name] = max(worst.get(name, 0.0), difference if np.isfinite(difference) else np.inf)
    return worst
