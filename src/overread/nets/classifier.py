"""A network for whole images in three parts, which can be exchanged, frozen and looked into one by one."""

from __future__ import annotations

from torch import Tensor, nn

from overread.errors import InputError
from overread.nets.pool import build_pool


class Classifier(nn.Module):
    """Body, pool and head; every network for whole images is one.

    - ``body``: image ``(batch, channels, *spatial)`` to a feature map ``(batch, F, *cells)``; transformers give their
      tokens as a map, too.
    - ``pool``: feature map to one vector an image ``(batch, F')``; F' is F but for adaptive pooling.
    - ``head``: vector to logits ``(batch, outputs)``; a linear layer, or dropout and a linear layer.
    """

    def __init__(self, body: nn.Module, pool: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.pool = pool
        self.head = head

    def features(self, x: Tensor) -> Tensor:
        """``(batch, channels, *spatial)`` to what the head sees ``(batch, F')``."""
        return self.pool(self.body(x))

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, channels, *spatial)`` to logits ``(batch, outputs)``."""
        return self.head(self.features(x))


def linear_head(width: int, outputs: int, *, dropout: float = 0.0) -> nn.Module:
    """``(batch, width)`` to ``(batch, outputs)``. Raises InputError for a ``dropout`` outside 0 to below 1."""
    if not 0 <= dropout < 1:
        raise InputError(f"network: dropout: found {dropout:g}, expected 0 to below 1")
    linear = nn.Linear(width, outputs)
    return nn.Sequential(nn.Dropout(dropout), linear) if dropout else linear


def last_linear(head: nn.Module) -> nn.Linear:
    """The head's linear layer: ``weight`` ``(outputs, F')`` and ``bias`` ``(outputs,)``."""
    return next(m for m in reversed(list(head.modules())) if isinstance(m, nn.Linear))


def classifier(
    body: nn.Module,
    width: int,
    outputs: int,
    *,
    dimensions: int,
    pool: str = "average",
    dropout: float = 0.0,
    norm: nn.Module | None = None,
) -> Classifier:
    """``body``, whose map has ``width`` channels, with the pool of that name and a new head.

    ``norm`` follows the pool where the paper has one there; it must suit the pooled vector.
    """
    pooled, length = build_pool(pool, width, dimensions)
    if norm is not None:
        pooled = nn.Sequential(pooled, norm)
    return Classifier(body, pooled, linear_head(length, outputs, dropout=dropout))
