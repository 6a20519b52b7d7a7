"""Several answers of one network from its features and the weights of its last layer: no network is run again."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.runtime.manifest import Manifest
from overread.runtime.manifest_uncertainty import Draws
from overread.runtime.outputs import Outputs
from overread.runtime.uncertainty.arrays import Arrays

Floats = NDArray[np.float64]


def drawn(features: NDArray[Any], draws: Draws, arrays: Arrays) -> Floats:
    """Logits ``(draws, outputs)`` of an image with ``features (F,)``."""
    f = np.asarray(features, np.float64)
    if draws.method == "dropout":
        return dropout(f, arrays["head_weight"], arrays["head_bias"], masks(draws, len(f)), rate=draws.rate)
    if draws.method == "heads":
        several: Floats = np.einsum("mkf,f->mk", arrays["heads_weight"], f) + arrays["heads_bias"]
        return several
    mean = arrays["head_weight"] @ f + arrays["head_bias"]
    # The factor of the features' side depends on the image, that of the outputs' side does not.
    spread = np.sqrt(laplace_variance(f, arrays["laplace_features"]))
    factor = np.linalg.cholesky(arrays["laplace_outputs"])
    normal = _normal(draws.draws, len(mean), draws.seed)
    z: Floats = mean + spread * normal @ factor.T
    return z


def dropout(
    features: Floats, weight: NDArray[Any], bias: NDArray[Any], kept: NDArray[np.bool_], *, rate: float
) -> Floats:
    """Logits ``(draws, outputs)`` with only the features ``kept (draws, F)``, scaled up as dropout does."""
    z: Floats = np.where(kept, features, 0.0) / (1 - rate) @ weight.T.astype(np.float64) + bias
    return z


def masks(draws: Draws, length: int) -> NDArray[np.bool_]:
    """Which features each draw keeps ``(draws, length)``: the same for every image."""
    return _masks(draws.draws, length, draws.rate, draws.seed)


def laplace_variance(features: Floats, inverse: NDArray[Any]) -> float:
    """``[f 1] A^-1 [f 1]^T`` of features ``(F,)`` with ``inverse (F + 1, F + 1)``."""
    x = np.append(features, 1.0)
    return float(max(x @ inverse.astype(np.float64) @ x, 0.0))


def evidence(raw: Outputs, manifest: Manifest) -> Outputs:
    """Logits of an evidential network as logs of its Dirichlet parameters ``1 + softplus``: their softmax is its mean,
    and ``vacuity (1,)``, labels over their sum, is 1 where it has seen no evidence at all."""
    if not manifest.uncertainty.evidential:
        return raw
    alpha = 1 + np.logaddexp(0.0, raw["logits"].astype(np.float64))
    vacuity = np.array([len(alpha) / alpha.sum()], np.float32)
    return {**raw, "logits": np.log(alpha).astype(np.float32), "vacuity": vacuity}


@lru_cache(maxsize=8)
def _masks(draws: int, length: int, rate: float, seed: int) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).random((draws, length)) >= rate


@lru_cache(maxsize=8)
def _normal(draws: int, outputs: int, seed: int) -> Floats:
    """Standard normal draws, each with its opposite, so that their mean is 0."""
    half = np.random.default_rng(seed).standard_normal(((draws + 1) // 2, outputs))
    return np.concatenate([half, -half])[:draws]
