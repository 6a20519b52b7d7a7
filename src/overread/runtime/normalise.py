"""Grey values as network input, by the method that the package states."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.imaging.intensity.normalise import percentile_scale, zscore
from overread.imaging.intensity.nyul import Landmarks, standardise
from overread.imaging.intensity.tissue import tissue_zscore
from overread.runtime.manifest import Intensity, Preprocess


def normalised(array: NDArray[Any], spec: Preprocess) -> NDArray[np.float32]:
    """``(channels, *spatial)``, each channel by its own `Intensity`."""
    filled = filled_nonzero(array) if any(s.inside == "filled" for s in spec.intensity) else None
    return np.stack([normalise(c, s, filled=filled) for c, s in zip(array, spec.intensity, strict=True)])


def filled_nonzero(array: NDArray[Any]) -> NDArray[np.bool_]:
    """``(*spatial)``: where some channel of ``(channels, *spatial)`` is not 0, and the holes in it."""
    from scipy import ndimage

    out: NDArray[np.bool_] = ndimage.binary_fill_holes((array != 0).any(axis=0))
    return out


def normalise(
    channel: NDArray[Any], spec: Intensity, *, filled: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """One channel's grey values as network input; see `Intensity`. A constant image gives zeros.

    ``filled``: the voxels that count where the intensity says so, see `filled_nonzero`.
    """
    if spec.method in ("whole", "minmax"):
        return _by_whole(np.asarray(channel, np.float32), spec, filled)
    if spec.method == "zscore":
        return zscore(channel)
    if spec.method == "tissue":
        return tissue_zscore(channel)
    if spec.method in ("percentile", "range"):
        assert spec.percentiles is not None
        x = percentile_scale(channel, spec.percentiles[0], spec.percentiles[1], clip=spec.clip)
        return x if spec.method == "percentile" else (x - np.float32(spec.mean)) / np.float32(spec.std)
    if spec.method == "nyul":
        assert spec.percentiles is not None and spec.landmarks is not None
        x = standardise(channel, Landmarks(spec.percentiles, spec.landmarks))
    else:
        x = np.asarray(channel, np.float32)
        if spec.low is not None or spec.high is not None:
            x = np.clip(x, spec.low, spec.high)
    return (x - np.float32(spec.mean)) / np.float32(spec.std)


def _by_whole(
    x: NDArray[np.float32], spec: Intensity, filled: NDArray[np.bool_] | None
) -> NDArray[np.float32]:
    """By mean and deviation, or least and greatest value, of the voxels that the intensity names."""
    match spec.inside:
        case "all":
            inside = np.ones(x.shape, bool)
        case "nonzero":
            inside = x != 0
        case "filled":
            inside = filled_nonzero(x[None]) if filled is None else filled
    values = x[inside].astype(np.float64)
    if not values.size:
        return x
    if spec.method == "whole":
        base, scale = float(values.mean()), float(values.std())
    else:
        base, scale = float(values.min()), float(values.max() - values.min())
    scaled = ((x - np.float32(base)) / np.float32(scale or 1.0)).astype(np.float32)
    scaled = (scaled - np.float32(spec.mean)) / np.float32(spec.std)
    return np.where(inside, scaled, x)
