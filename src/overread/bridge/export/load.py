"""Written networks, held against the package before they are handed out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from overread.bridge.export.torch_code import TorchCode
from overread.errors import OverreadError
from overread.runtime.engine import Engine

TOLERANCE = 1e-4
DRAWN = 2


def module_of(code: TorchCode) -> nn.Module:
    """The network of a source that `torch_code` wrote, with its weights."""
    space: dict[str, Any] = {"__name__": "network"}
    # Our own text, a moment ago: names in it are made of word characters alone.
    exec(compile(code.source, "network.py", "exec"), space)
    network: nn.Module = space["Network"]()
    network.load_state_dict(code.weights)
    return network.eval()


@torch.no_grad()
def difference(code: TorchCode, model: bytes, shape: Sequence[int], outputs: Sequence[str]) -> float:
    """Largest difference of the written network's outputs from ONNX Runtime's, on inputs ``(1, *shape)`` drawn at
    random. Raises OverreadError where it is more than `TOLERANCE` of the largest value."""
    network, engine, rng, worst = module_of(code), Engine(model, "model.onnx"), np.random.default_rng(0), 0.0
    for _ in range(DRAWN):
        x = rng.normal(size=(1, *shape)).astype(np.float32)
        expected = engine(x)
        found = network(torch.from_numpy(x))
        each = found if isinstance(found, tuple) else (found,)
        for name, value in zip(outputs, each, strict=True):
            apart = float(np.abs(value.numpy() - expected[name]).max())
            if not apart <= TOLERANCE * max(1.0, float(np.abs(expected[name]).max())):
                raise OverreadError(
                    f"the PyTorch network differs from the package's by {apart:.2g} (output {name}); "
                    "nothing was written"
                )
            worst = max(worst, apart)
    return worst
