"""Several networks, or several views, as one network: averaged in each window, before windows are blended.

Blending is linear, so that the mean of blended probabilities is the blend of their means: nothing but one window of
each network is held. How far they lie apart is summed up on the way, as `overread.runtime.quality` reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from overread.runtime.manifest import Manifest
from overread.runtime.outputs import Network, Outputs
from overread.runtime.probability import sigmoid, softmax
from overread.runtime.views import each_view
from overread.task import TASKS

Apart: TypeAlias = dict[str, NDArray[np.float64]]
"""``networks_apart`` and ``views_apart (labels,)``: sums over the windows' voxels of the mean distance of each
probability from the mean; ``networks_total`` and ``views_total``: sums of the mean probabilities."""
TINY = 1e-30


def one_network(
    networks: Sequence[Network],
    weights: Sequence[float],
    manifest: Manifest,
    *,
    how: str = "average",
    apart: Apart | None = None,
) -> Network:
    """The ``networks`` as one, by their ``weights``.

    Of label maps probabilities are averaged, or with ``how`` ``stacked`` their logs summed up by the weights as they
    are (nnU-Net's mean of logits over folds), and given back as logits; of other tasks each output as it is.
    """
    if len(networks) == 1:
        return networks[0]
    share = np.array(weights, np.float64)
    if how != "stacked":
        share /= share.sum()

    def together(batch: NDArray[np.float32]) -> Outputs:
        return mixed([network(batch) for network in networks], share, manifest, how, "networks", apart)

    return together


def views_apart(network: Network, manifest: Manifest, apart: Apart) -> Network:
    """The network in the manifest's views, whose probabilities are averaged and compared."""

    def seen(batch: NDArray[np.float32]) -> Outputs:
        each = each_view(network, batch, manifest.views)
        share = np.full(len(each), 1 / len(each))
        mean = {
            name: np.stack([one[name] for one in each]).mean(axis=0, dtype=np.float64).astype(np.float32)
            for name in each[0]
        }
        mixed(each, share, manifest, "average", "views", apart)
        return mean

    return seen


def mixed(
    found: Sequence[Outputs],
    share: NDArray[np.float64],
    manifest: Manifest,
    how: str,
    source: str,
    apart: Apart | None,
) -> Outputs:
    """One output of several; how far they lie apart is added to ``apart``."""
    out: Outputs = {}
    for name in found[0]:
        if TASKS[manifest.task].answer == "label_map" and name == "logits":
            p = [_probability(one[name], manifest) for one in found]
            mean = _mean(p, share / share.sum())
            if apart is not None:
                _add(apart, source, p, mean, share / share.sum())
            if how == "stacked":
                # A product of probabilities: of labels it is normalised by the softmax that follows.
                out[name] = _mean([one[name] for one in found], share)
            else:
                out[name] = _logits(mean, manifest)
        else:
            out[name] = _mean([one[name] for one in found], share)
    return out


def _probability(z: NDArray[np.float32], manifest: Manifest) -> NDArray[np.float32]:
    if manifest.regions:
        return sigmoid(z.astype(np.float64)).astype(np.float32)
    return softmax(z, axis=1).astype(np.float32, copy=False)


def _logits(p: NDArray[np.float32], manifest: Manifest) -> NDArray[np.float32]:
    z = np.log(np.maximum(p, TINY))
    return z - np.log(np.maximum(1 - p, TINY)) if manifest.regions else z


def _mean(values: Sequence[NDArray[Any]], share: NDArray[np.float64]) -> NDArray[np.float32]:
    out = np.zeros(values[0].shape, np.float32)
    for value, w in zip(values, share, strict=True):
        out += np.float32(w) * value
    return out


def _add(
    apart: Apart,
    source: str,
    p: Sequence[NDArray[np.float32]],
    mean: NDArray[np.float32],
    share: NDArray[np.float64],
) -> None:
    axes = (0, *range(2, mean.ndim))
    far = sum(
        w * np.abs(one - mean).sum(axis=axes, dtype=np.float64) for one, w in zip(p, share, strict=True)
    )
    for key, value in ((f"{source}_apart", far), (f"{source}_total", mean.sum(axis=axes, dtype=np.float64))):
        apart[key] = apart.get(key, np.zeros(mean.shape[1])) + value
