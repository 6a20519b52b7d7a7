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
    return np.stack([normalise(c, s) for c, s in zip(array, spec.intensity, strict=True)])


def normalise(channel: NDArray[Any], spec: Intensity) -> NDArray[np.float32]:
    """One channel's grey values as network input; see `Intensity`. A constant image gives zeros."""
    if spec.method == "zscore":
        return zscore(channel)
    if spec.method == "tissue":
        return tissue_zscore(channel)
    if spec.method in ("percentile", "range"):
        assert spec.percentiles is not None
        x = percentile_scale(channel, spec.percentiles[0], spec.percentiles[1])
        return x if spec.method == "percentile" else (x - np.float32(spec.mean)) / np.float32(spec.std)
    if spec.method == "nyul":
        assert spec.percentiles is not None and spec.landmarks is not None
        x = standardise(channel, Landmarks(spec.percentiles, spec.landmarks))
    else:
        x = np.asarray(channel, np.float32)
        if spec.low is not None or spec.high is not None:
            x = np.clip(x, spec.low, spec.high)
    return (x - np.float32(spec.mean)) / np.float32(spec.std)
