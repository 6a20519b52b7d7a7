"""What tuning cases decide about label maps: cleaning first, then of the cleaned masks everything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.evaluate import measured
from overread.evaluate.calibrated import Calibrated
from overread.evaluate.mask_pair import MaskPair
from overread.evaluate.postprocessing import choose_cleaning
from overread.evaluate.predicted_dice import quality_of
from overread.evaluate.rows import notes_of, part_of
from overread.evaluate.spreads import difference_spreads, ratio_spreads
from overread.runtime.manifest import Calibration, Cleaning, Manifest, Spread, Uncertainty
from overread.runtime.manifest_quality import Quality
from overread.runtime.measure import count_components, unit_volume
from overread.runtime.postprocess import clean
from overread.runtime.regions import structures
from overread.stats.segmentation import dice


@dataclass(frozen=True)
class Taken:
    """Of one structure in one case, found and true: volume (area), number of parts, measures; and the Dice."""

    volume: tuple[float, float]
    parts: tuple[int, int]
    shapes: tuple[Mapping[str, float | None], Mapping[str, float | None]]
    dice: float


@dataclass
class _Label:
    """What is decided about one structure."""

    volumes: list[Spread] = field(default_factory=list)
    counts: list[Spread] = field(default_factory=list)
    shapes: dict[str, list[Spread]] = field(default_factory=dict)
    quality: Quality | None = None
    reason: str = ""
    unsure: str = ""


def calibrate_masks(
    evidence: Sequence[MaskPair], manifest: Manifest, clusters: NDArray[Any] | None
) -> Calibrated:
    """How parts are cleaned; then, of masks so cleaned, errors of volumes, counts and further measures by what was
    found, as limits that cover those of a further patient, and what the Dice of one mask is predicted from.

    A structure of several values (a region) is not cleaned: what lies around a part of it no step here knows.
    """
    steps: dict[str, Cleaning] = {}
    said: dict[str, str] = {}
    if not manifest.regions:
        steps, said = choose_cleaning(evidence, manifest.labels, manifest.counted_labels, clusters)
    manifest = manifest.model_copy(update={"postprocess": steps})
    taken = [taken_of(pair, manifest) for pair in evidence]
    names = list(structures(manifest.labels, manifest.regions))
    masks: list[dict[str, tuple[float, float]]] = [{} for _ in evidence]
    found = {label: _decided(label, evidence, taken, manifest, clusters, masks) for label in names}
    levels = np.linspace(0, 1, 11)
    sizes = {label: [one[label].volume[0] for one in taken if label in one] for label in names}
    return Calibrated(
        Calibration(
            volume_ratios={k: one.volumes for k, one in found.items() if one.volumes},
            count_differences={k: one.counts for k, one in found.items() if one.counts},
            measures={k: one.shapes for k, one in found.items() if one.shapes},
            reasons={k: one.reason for k, one in found.items() if one.reason},
            cases=len(evidence),
        ),
        reference={"volume": {k: np.quantile(v, levels).tolist() for k, v in sizes.items() if v}}
        | notes_of(said, {k: one.unsure for k, one in found.items()}),
        uncertainty=Uncertainty(quality={k: one.quality for k, one in found.items() if one.quality}),
        postprocess=steps,
        masks=masks,
    )


def taken_of(pair: MaskPair, manifest: Manifest) -> dict[str, Taken]:
    """What a case says about each structure that its truth states, after cleaning."""
    image, true = pair.image, pair.true
    per_voxel = unit_volume(image)[2]
    found = clean(pair.found, manifest.postprocess, manifest.labels, per_voxel=per_voxel)
    out = {}
    for label, values in structures(manifest.labels, manifest.regions).items():
        if pair.unstated & set(values):
            continue
        both = np.isin(found, values), np.isin(true, values)
        counts, least = label in manifest.counted_labels, manifest.smallest_part
        keys = manifest.measures.get(label, [])
        out[label] = Taken(
            (float(both[0].sum() * per_voxel), float(both[1].sum() * per_voxel)),
            (count_components(both[0], smallest=least), count_components(both[1], smallest=least))
            if counts
            else (0, 0),
            (measured.taken_of(both[0], image, keys), measured.taken_of(both[1], image, keys)),
            float(dice(*both)) if both[1].any() else 0.0,
        )
    return out


def _decided(
    label: str,
    evidence: Sequence[MaskPair],
    taken: Sequence[Mapping[str, Taken]],
    manifest: Manifest,
    clusters: NDArray[Any] | None,
    masks: Sequence[dict[str, tuple[float, float]]],
) -> _Label:
    """Everything about one structure; to ``masks`` the Dice expected of it in each case is added."""
    where = np.array([label in one for one in taken], np.bool_)
    if not where.any():
        return _Label(reason="no tuning case states it")
    own, cluster = [one[label] for one in taken if label in one], part_of(clusters, where)
    size = np.array([t.volume for t in own], np.float64)
    out = _Label()
    out.volumes, out.reason = ratio_spreads(size, cluster=cluster)
    if label in manifest.counted_labels:
        parts = np.array([t.parts for t in own], np.float64)
        out.counts, why = difference_spreads(parts, cluster=cluster)
        out.reason = out.reason or why
    keys = manifest.measures.get(label, [])
    out.shapes = measured.measure_spreads([t.shapes for t in own], size[:, 0], keys, cluster)
    rows = [
        i
        for i, one in enumerate(taken)
        if label in one and one[label].volume[0] > 0 and label in evidence[i].agreement
    ]
    real = np.array([taken[i][label].dice for i in rows], np.float64)
    agreed = [evidence[i].agreement[label] for i in rows]
    chosen = None if clusters is None else clusters[rows]
    out.quality, expected, why = quality_of(agreed, real, chosen)
    if why:
        out.unsure = f"the Dice of one mask is not predicted: {why}"
    else:
        for i, value, of in zip(rows, expected, real, strict=True):
            masks[i][label] = float(value), float(of)
    return out
