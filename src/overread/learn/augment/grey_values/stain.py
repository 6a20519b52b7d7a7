"""Stain of histology: more or less haematoxylin and eosin, as from laboratory to laboratory.

Optical densities are taken apart into haematoxylin, eosin and a third stain (Ruifrok & Johnston 2001), each is scaled
and shifted (Tellez 2018, doi 10.1109/TMI.2018.2820199), and they are put together again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from overread.errors import InputError

COLOR = True
"""It needs to know which grey values are black and white: `draw` of a change adds them."""
STAINS = [[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]]
DARKEST = 1 / 256


def draw(most: float, rng: np.random.Generator) -> dict[str, Any]:
    """``scaled`` by 1 - ``most`` to 1 + ``most`` and ``shifted`` by as much of an optical density of 0.5, each of the
    three stains."""
    scaled, shifted = 1 + rng.uniform(-most, most, 3), rng.uniform(-most, most, 3) * 0.5
    return {"scaled": scaled.tolist(), "shifted": shifted.tolist()}


def apply(x: Tensor, drawn: Mapping[str, Any]) -> Tensor:
    """``black`` and ``white`` are the network's values of these, by channel; without them the image's own extremes.

    White stays white: the shift counts where there is stain. Raises InputError unless there are three channels.
    """
    if len(x) != 3:
        raise InputError(
            f"augment: grey_values: stain: found {len(x)} channels, expected the 3 of a colour picture"
        )
    ends = [
        torch.tensor(drawn[name], device=x.device, dtype=x.dtype) if drawn.get(name) else extreme.expand(3)
        for name, extreme in (("black", x.amin()), ("white", x.amax()))
    ]
    black, white = (end.view(3, *[1] * (x.ndim - 1)) for end in ends)
    span = white - black
    light = ((x - black) / span).clamp_(DARKEST, 1)
    density = light.log_().neg_()
    apart, together = (m.to(x.device) for m in _matrices())
    stains = torch.tensordot(apart, density, dims=([0], [0]))
    shape = [3, *[1] * (x.ndim - 1)]
    scaled, shifted = (
        torch.tensor(drawn[k], device=x.device).float().view(shape) for k in ("scaled", "shifted")
    )
    total = density.mean(dim=0, keepdim=True)
    there = (total / (total + 0.1)).clamp_max(1)
    changed = torch.tensordot(together, stains * scaled + shifted * there, dims=([0], [0]))
    return changed.clamp_min_(0).neg_().exp_().mul_(span).add_(black)


@lru_cache(maxsize=1)
def _matrices() -> tuple[Tensor, Tensor]:
    """Densities of colours to stains, and back; rows are what is multiplied."""
    stains = np.array(STAINS)
    stains /= np.linalg.norm(stains, axis=1, keepdims=True)
    return torch.from_numpy(np.linalg.inv(stains)).float(), torch.from_numpy(stains).float()
