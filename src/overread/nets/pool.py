"""From a feature map to one vector an image: how the cells are pooled, by name."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from overread.errors import InputError

# Cells per axis that adaptive pooling leaves.
GRID = 2
# Hidden units of the attention (Ilse 2018 uses 128 for features of 500).
HIDDEN = 128


class Average(nn.Module):
    """Global average (Lin 2013, arXiv 1312.4400): ``(batch, F, *cells)`` to ``(batch, F)``."""

    def forward(self, x: Tensor) -> Tensor:
        """Mean over all cells."""
        return x.flatten(2).mean(2)


class Max(nn.Module):
    """Global maximum (Oquab 2015): ``(batch, F, *cells)`` to ``(batch, F)``; small findings are not averaged away."""

    def forward(self, x: Tensor) -> Tensor:
        """Largest over all cells."""
        return x.flatten(2).amax(2)


class Adaptive(nn.Module):
    """Averages over ``GRID`` parts of each axis, side by side: ``(batch, F, *cells)`` to ``(batch, F * GRID ** d)``.

    Coarse places are kept apart (He 2014, arXiv 1406.4729). An axis of one cell gives it to every part.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Parts in array axis order, the last axis fastest."""
        for axis in range(2, x.ndim):
            n = x.shape[axis]
            # The bounds of torch's adaptive pooling, whose own operator ONNX has for multiples alone.
            parts = [
                x.narrow(axis, i * n // GRID, -(-(i + 1) * n // GRID) - i * n // GRID).mean(axis, True)
                for i in range(GRID)
            ]
            x = torch.cat(parts, axis)
        return x.flatten(1)


class Attention(nn.Module):
    """Gated attention over cells, slices or tiles (Ilse 2018, arXiv 1802.04712), to ``(batch, F)``.

    Each cell is an instance of a bag; its weight follows from its features alone, so any number of cells will do.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = min(HIDDEN, width)
        self.content = nn.Linear(width, hidden)
        self.gate = nn.Linear(width, hidden)
        self.score = nn.Linear(hidden, 1)
        # All cells weigh alike at the start: global average, until there is a reason for another answer.
        nn.init.zeros_(self.score.weight)

    def weights(self, x: Tensor) -> Tensor:
        """``(batch, F, *cells)`` to the weight of each cell ``(batch, *cells)``; those of an image sum to 1."""
        cells = x.flatten(2).transpose(1, 2)
        score = self.score(torch.tanh(self.content(cells)) * torch.sigmoid(self.gate(cells)))
        return torch.softmax(score.flatten(1), 1).reshape(x.shape[0], *x.shape[2:])

    def forward(self, x: Tensor) -> Tensor:
        """Weighted mean of the cells."""
        return (x * self.weights(x).unsqueeze(1)).flatten(2).sum(2)


POOLS: dict[str, Callable[[int], nn.Module]] = {
    "average": lambda width: Average(),
    "max": lambda width: Max(),
    "adaptive": lambda width: Adaptive(),
    "attention": Attention,
}


def build_pool(name: str, width: int, dimensions: int) -> tuple[nn.Module, int]:
    """The pool ``name`` for maps of ``width`` channels, and the length of the vector it gives. Raises InputError."""
    if name not in POOLS:
        raise InputError(f"network: pool: found {name!r}, expected one of {', '.join(POOLS)}")
    parts = math.prod([GRID] * dimensions) if name == "adaptive" else 1
    return POOLS[name](width), width * parts
