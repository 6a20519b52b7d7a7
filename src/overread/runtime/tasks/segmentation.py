"""A label for every voxel: windows blended as probabilities, the likeliest label, volumes and counts."""

from __future__ import annotations

from collections.abc import Mapping

from overread.runtime.answer import LabelMap
from overread.runtime.label_stream import doubts
from overread.runtime.manifest import Manifest
from overread.runtime.measure import measure, unit_volume
from overread.runtime.outputs import Network, Outputs
from overread.runtime.postprocess import clean
from overread.runtime.preprocess import Prepared, decide, to_original
from overread.runtime.quality import predicted
from overread.runtime.tasks.segmenting import can_stream, labelled, painted, whole
from overread.runtime.uncertainty.pool import Pool

POOL: Pool | None = None
OUTPUTS: tuple[str, ...] = ("logits",)
DECODING: Mapping[str, float] = {}


def raw(network: Network, prepared: Prepared, manifest: Manifest, /, *, maps: bool = False) -> Outputs:
    """The label map, decided while windows are blended, and the sums over its probabilities: see
    `overread.runtime.label_stream`. Of grids that no row of the image lies along, ``probability (channels, *grid)``.

    Raises InputError for a network of other labels.
    """
    if can_stream(prepared):
        return labelled(network, prepared, manifest, maps=maps)
    return {"probability": whole(network, prepared, manifest)}


def answer(raw: Outputs, prepared: Prepared, manifest: Manifest, /) -> LabelMap:
    """The likeliest label of every voxel of the image as given, of equals the first, or what its regions paint; then
    its parts as the package cleans them (`overread.runtime.postprocess`)."""
    if "mask" in raw:
        mask, doubt = to_original(raw["mask"], prepared), float(raw["entropy"][0])
    else:
        probability, paints = raw["probability"], painted(manifest)
        mask = decide(probability, prepared, paints=paints)
        inside = doubts(probability, apart=bool(paints))
        doubt = float(inside.mean()) if inside.size else 0.0
    per_voxel = unit_volume(prepared.original)[2]
    mask = clean(mask, manifest.postprocess, manifest.labels, per_voxel=per_voxel)
    return LabelMap(
        mask=mask,
        measurements=measure(mask, prepared.original, manifest),
        quality=predicted(raw, manifest),
        entropy_in_mask=doubt,
    )
