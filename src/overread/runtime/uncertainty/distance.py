"""How far an image's features lie from those of the training cases: another kind of image than was trained with.

The declared limits look at the image, this at what the network makes of it. Only features of the training cases are
asked, no truths: it serves every task whose network has a last layer.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from overread.runtime.uncertainty.arrays import Arrays

Floats = NDArray[np.float64]
Method = Literal["mahalanobis", "nearest"]
NEAREST = 5
"""Training cases whose mean distance counts: one alone may be a stray."""
LEAST = 1e-12


def fit_distance(features: NDArray[Any], method: Method) -> dict[str, NDArray[np.float32]]:
    """What `distance` needs of the training cases' ``features (n, F)``, as arrays of a package."""
    f = np.asarray(features, np.float64)
    if method == "nearest":
        return {"distance_references": _unit(f).astype(np.float32)}
    centre = f.mean(axis=0)
    values, turn = np.linalg.eigh(shrunk_covariance(f))
    return {
        "distance_centre": centre.astype(np.float32),
        "distance_axes": (turn / np.sqrt(np.maximum(values, LEAST))).astype(np.float32),
    }


def distances(features: NDArray[Any], arrays: Arrays, method: Method) -> Floats:
    """``(n,)`` of ``features (n, F)``: Mahalanobis distance over the root of F (about 1 for training cases), or the
    mean angle's chord (0 to 2) to the `NEAREST` training cases."""
    f = np.asarray(features, np.float64)
    if method == "mahalanobis":
        place = (f - arrays["distance_centre"]) @ arrays["distance_axes"]
        apart: Floats = np.sqrt((place**2).mean(axis=1))
        return apart
    square = 2 - 2 * _unit(f) @ np.asarray(arrays["distance_references"], np.float64).T
    nearest: Floats = np.sqrt(np.maximum(np.sort(square, axis=1)[:, :NEAREST], 0)).mean(axis=1)
    return nearest


def shrunk_covariance(x: Floats) -> Floats:
    """Covariance ``(F, F)`` of ``x (n, F)``, drawn towards a multiple of the identity by the share that makes the
    expected squared error least (Ledoit and Wolf, J Multivar Anal 2004;88:365).

    Without it the inverse of a covariance of few cases is noise, or there is none.
    """
    n, width = x.shape
    centred = x - x.mean(axis=0)
    sample = centred.T @ centred / n
    scale = float(np.trace(sample)) / width
    apart = float(((sample - scale * np.eye(width)) ** 2).sum())
    # Sum over cases of |x x^T - S|^2, without making each product.
    noise = (float((centred**2).sum(axis=1) @ (centred**2).sum(axis=1)) / n - float((sample**2).sum())) / n
    share = 1.0 if apart <= 0 else min(1.0, max(noise, 0.0) / apart)
    shrunk: Floats = (1 - share) * sample + (share * scale + LEAST) * np.eye(width)
    return shrunk


def _unit(f: Floats) -> Floats:
    unit: Floats = f / np.maximum(np.linalg.norm(f, axis=1, keepdims=True), LEAST)
    return unit
