"""A label for every voxel: windows blended as probabilities, the likeliest label, volumes and counts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from overread.runtime.answer import LabelMap
from overread.runtime.manifest import Manifest
from overread.runtime.measure import measure, unit_volume
from overread.runtime.outputs import Network, Outputs
from overread.runtime.postprocess import clean
from overread.runtime.preprocess import Prepared, decide
from overread.runtime.probability import entropy, softmax
from overread.runtime.quality import predicted
from overread.runtime.tasks.dense import dense
from overread.runtime.tasks.whole import check_labels
from overread.runtime.uncertainty.pool import Pool

POOL: Pool | None = None
OUTPUTS: tuple[str, ...] = ("logits",)
DECODING: Mapping[str, float] = {}


def raw(network: Network, prepared: Prepared, manifest: Manifest, /) -> Outputs:
    """``probability (labels, *grid)`` float32: windows are blended after the softmax, or before (`Windows.blend`).

    Raises InputError for a network of other labels.
    """
    if manifest.windows is not None and manifest.windows.blend == "logits":
        logits = dense(network, prepared.array, manifest.windows).outputs["logits"]
        check_labels(len(logits), manifest)
        return {"probability": softmax(logits, axis=0).astype(np.float32, copy=False)}

    def probability(batch: NDArray[np.float32]) -> Outputs:
        return {"probability": softmax(network(batch)["logits"], axis=1).astype(np.float32, copy=False)}

    out = dense(probability, prepared.array, manifest.windows).outputs
    check_labels(len(out["probability"]), manifest)
    return out


def answer(raw: Outputs, prepared: Prepared, manifest: Manifest, /) -> LabelMap:
    """The likeliest label of every voxel of the image as given, of equals the first; then its parts as the package
    cleans them (`overread.runtime.postprocess`)."""
    probability = raw["probability"]
    mask = decide(probability, prepared)
    per_voxel = unit_volume(prepared.original)[2]
    mask = clean(mask, manifest.postprocess, manifest.labels, per_voxel=per_voxel)
    found = probability[1:].max(axis=0) > probability[0]
    inside = entropy(probability[:, found], axis=0)
    return LabelMap(
        mask=mask,
        measurements=measure(mask, prepared.original, manifest),
        quality=predicted(raw, manifest),
        entropy_in_mask=float(inside.mean()) if inside.size else 0.0,
    )
