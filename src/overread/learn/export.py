"""From a trained network to ONNX, measured against the original before it is trusted."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from overread.errors import OverreadError
from overread.learn.memory_format import in_format
from overread.learn.plan import Plan

TOLERANCE = 1e-3


@dataclass(frozen=True)
class Exported:
    """ONNX bytes and the largest absolute difference of logits from torch on real inputs."""

    model: bytes
    largest_difference: float
    inputs: int


def export_onnx(network: nn.Module, plan: Plan, samples: Sequence[NDArray[np.float32]]) -> Exported:
    """Export with a free batch size and the plan's patch; check against torch on ``samples``.

    ``samples`` are prepared inputs ``(channels, *patch)``.

    Raises
    ------
    OverreadError
        The exported network answers differently from the trained one.
    """
    network = in_format(network.eval(), torch.contiguous_format)
    example = torch.zeros(1, len(plan.channels), *plan.patch)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        file = Path(folder) / "model.onnx"
        # The tracing exporter takes a fraction of a second here and needs no further package.
        torch.onnx.export(
            network,
            (example,),
            file,
            input_names=["image"],
            output_names=["logits"],
            dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}},
            dynamo=False,
        )
        model = file.read_bytes()
    difference = _largest_difference(network, model, samples)
    if not difference <= TOLERANCE:
        raise OverreadError(
            f"the exported network differs from the trained one by {difference:.2g} (largest logit difference on "
            f"{len(samples)} real inputs), at most {TOLERANCE:g} is accepted; the package was not written"
        )
    return Exported(model, difference, len(samples))


def _largest_difference(network: nn.Module, model: bytes, samples: Sequence[NDArray[np.float32]]) -> float:
    from overread.runtime.engine import Engine

    engine = Engine(model, "exported network")
    worst = 0.0
    for x in samples:
        with torch.no_grad():
            expected = network(torch.from_numpy(x[None])).numpy()
        worst = max(worst, float(np.abs(engine(x[None]) - expected).max()))
    return worst
