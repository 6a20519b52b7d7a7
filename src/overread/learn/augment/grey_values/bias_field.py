"""Bias field of MR: grey values rise and fall smoothly over the image, as near and far from a coil.

The exponential of a polynomial of order 3 (Van Leemput 1999, doi 10.1109/42.811268; Sudre 2017, doi
10.1007/978-3-319-68127-6_2).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

SHARE = 0.3
ORDER = 3


def draw(most: float, rng: np.random.Generator) -> dict[str, Any]:
    """``coefficients`` within ``most`` of each monomial up to order 3 of three axes, for three in ten images."""
    biased, values = rng.random() < SHARE, rng.uniform(-most, most, len(_monomials(3)))
    return {"coefficients": values.tolist()} if biased else {}


def apply(x: Tensor, drawn: Mapping[str, Any]) -> Tensor:
    """What lies above the darkest value is multiplied by the field, whose logarithm is 0 on average."""
    d = x.ndim - 1
    cube = torch.zeros([ORDER + 1] * 3)
    for monomial, value in zip(_monomials(3), drawn["coefficients"], strict=True):
        cube[monomial] = value
    # Of a picture the third axis does not count.
    field = (cube if d == 3 else cube[..., 0]).to(x.device)
    for axis, n in enumerate(x.shape[1:]):
        line = (2 * torch.arange(n, device=x.device) + 1) / n - 1
        powers = torch.stack([line**p for p in range(ORDER + 1)])
        field = torch.tensordot(field, powers, dims=([axis], [0])).movedim(-1, axis)
    low = x.amin()
    return x.sub_(low).mul_((field - field.mean()).exp_()).add_(low)


def _monomials(d: int) -> list[tuple[int, ...]]:
    """Exponents of every monomial up to the order but the constant one."""
    return [p for p in product(range(ORDER + 1), repeat=d) if 0 < sum(p) <= ORDER]
