"""Brightness: a constant added to all grey values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor


def draw(most: float, rng: np.random.Generator) -> dict[str, Any]:
    """``added``, within ``most`` deviations of the image."""
    return {"added": float(rng.uniform(-most, most))}


def apply(x: Tensor, drawn: Mapping[str, Any]) -> Tensor:
    """All channels alike."""
    return x.add_(drawn["added"])
