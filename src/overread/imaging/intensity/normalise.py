"""Grey values of images without an absolute scale, brought to a common one image by image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_DEVIATION = 1e-6


def foreground(values: NDArray[Any]) -> NDArray[np.bool_]:
    """The brighter part: what lies above the mean, which hardly depends on how much air the field of view holds.

    The rule of Nyul 1999 (doi 10.1002/(SICI)1522-2594(199912)42:6<1072::AID-MRM11>3.0.CO;2-M).
    """
    x = np.asarray(values, np.float32)
    return x > x.mean()


def zscore(values: NDArray[Any], *, mask: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
    """Minus the mean, by the standard deviation, both over ``mask`` (by default `foreground`); a constant gives 0."""
    x = np.asarray(values, np.float32)
    inside = x[foreground(x) if mask is None else _checked(mask, x)]
    if inside.size == 0:
        return np.zeros_like(x)
    return (x - inside.mean()) / max(float(inside.std()), LEAST_DEVIATION)


def percentile_scale(
    values: NDArray[Any],
    low: float = 0.5,
    high: float = 99.5,
    *,
    mask: NDArray[np.bool_] | None = None,
    clip: bool = True,
) -> NDArray[np.float32]:
    """Clipped to two percentiles of the image itself (over ``mask``, by default all) and scaled to 0 to 1.

    A constant gives 0; without ``clip`` values beyond the percentiles lie beyond 0 and 1. Raises ValueError unless
    0 <= low < high <= 100.
    """
    if not 0 <= low < high <= 100:
        raise ValueError(f"percentiles: found {low} and {high}, expected 0 <= low < high <= 100")
    x = np.asarray(values, np.float32)
    inside = x.ravel() if mask is None else x[_checked(mask, x)]
    if inside.size == 0:
        return np.zeros_like(x)
    bottom, top = np.percentile(inside, [low, high]).astype(np.float32)
    return ((np.clip(x, bottom, top) if clip else x) - bottom) / max(float(top - bottom), LEAST_DEVIATION)


def _checked(mask: NDArray[np.bool_], x: NDArray[np.float32]) -> NDArray[np.bool_]:
    if mask.shape != x.shape:
        raise ValueError(f"mask: found shape {mask.shape}, expected {x.shape}")
    return mask.astype(bool, copy=False)
