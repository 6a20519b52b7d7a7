"""A number and how far off it is: the likelihood of a normal distribution whose spread is learnt, too."""

from __future__ import annotations

import torch
from torch import Tensor

from overread.learn.losses.protocol import Loss, LossFunction, Tensors, full
from overread.learn.pooled import pooled_mean

WIDEST = 5.0


def gaussian_nll(*, beta: float = 0.5) -> LossFunction:
    """``logits`` ``(b, 2)``, number and log of its standard deviation, against ``value`` ``(b, 1)`` in the same units.

    The negative log likelihood (Nix and Weigend 1994), each image weighed by its own variance to the power ``beta``, of
    which no gradient is taken: with 0, the plain likelihood, images that are hard to fit are soon given up for a large
    spread; with 1 the number is learnt as by squared error (Seitzer et al., ICLR 2022, arXiv 2203.09168). The mean over
    the images of all processes; an image without a number (NaN) counts nothing.
    """
    if not 0 <= beta <= 1:
        raise ValueError(f"beta: found {beta!r}, expected a number from 0 to 1")

    def compute(outputs: Tensors, targets: Tensors) -> Tensor:
        logits = full(outputs["logits"])
        value = targets["value"].to(logits.dtype)[:, 0]
        stated = ~torch.isnan(value)
        spread = logits[:, 1].clamp(-WIDEST, WIDEST)
        off = torch.where(stated, value, logits[:, 0]) - logits[:, 0]
        likelihood = spread + 0.5 * (off * torch.exp(-spread)) ** 2
        weighed = likelihood * torch.exp(2 * beta * spread.detach()) * stated
        return pooled_mean(weighed.sum(), stated.sum())

    return compute


GAUSSIAN_NLL = Loss(
    gaussian_nll, frozenset({"value"}), "Nix and Weigend 1994; Seitzer 2022, arXiv 2203.09168"
)
