"""Boxes around objects, from a centre heat map (Zhou 2019, arXiv 1904.07850), in 2D and 3D."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.imaging.boxes import Boxes, to_world
from overread.runtime.answer import Objects
from overread.runtime.decode.centres import centre_boxes
from overread.runtime.manifest import Manifest
from overread.runtime.measure import count_objects
from overread.runtime.outputs import Network, Outputs
from overread.runtime.preprocess import Prepared, boxes_to_original
from overread.runtime.probability import scaled, sigmoid
from overread.runtime.sliding_window import strides_of
from overread.runtime.tasks.dense import dense
from overread.runtime.tasks.whole import check_labels
from overread.runtime.uncertainty.pool import Pool
from overread.runtime.views import PerAxis

POOL: Pool | None = None
OUTPUTS: tuple[str, ...] = ("heat", "size", "offset")
PER_AXIS: Mapping[str, PerAxis] = {"size": "length", "offset": "place"}
DECODING: Mapping[str, float] = {"smallest_score": 0.05, "overlap": 0.3, "most": 300}
"""``smallest_score``: of the heat map's own sigmoid, before calibration, so that calibration changes no candidate.
``overlap``: intersection over union above which the less likely of two boxes of a label is dropped.
``most``: candidates of a label that are looked at in one image, best first."""


def raw(network: Network, prepared: Prepared, manifest: Manifest, /, *, maps: bool = False) -> Outputs:
    """``heat (labels, *cells)`` logits, ``size (d, *cells)`` and ``offset (d, *cells)``, see `centre_boxes`, and
    ``stride (d,)``: voxels of the network's grid to a cell.

    Raises InputError for a network of other labels, or outputs that do not share one grid.
    """
    blended = dense(network, prepared.array, manifest.windows)
    out = {name: blended.outputs[name] for name in OUTPUTS}
    check_labels(len(out["heat"]), manifest)
    grids = {name: array.shape[1:] for name, array in out.items()}
    if len(set(grids.values())) > 1 or {len(out["size"]), len(out["offset"])} != {len(grids["heat"])}:
        found = ", ".join(f"{name} {array.shape}" for name, array in out.items())
        raise InputError(
            f"package {manifest.name} {manifest.version}: its network gives {found}; expected one grid, and a number "
            "an axis in size and offset"
        )
    return {**out, "stride": np.array(blended.strides["heat"], np.float32)}


def answer(raw: Outputs, prepared: Prepared, manifest: Manifest, /) -> Objects:
    """The candidates whose score reaches the threshold of their label; all of a label without one."""
    found = candidates(raw, prepared, manifest)
    points = manifest.operating_points
    thresholds = {label: points[label].threshold for label in manifest.labels if label in points}
    least = np.array([thresholds.get(label, -np.inf) for label in manifest.labels])
    boxes = found.where(np.flatnonzero(found.scores >= least[found.labels]))
    volume = boxes.axes == 3
    return Objects(
        boxes=boxes,
        labels=tuple(manifest.labels),
        thresholds=thresholds,
        world=to_world(boxes, prepared.original.affine) if volume else np.zeros((0, 6)),
        measurements=count_objects(boxes, manifest.labels, manifest.calibration),
        candidates=found,
    )


def candidates(raw: Outputs, prepared: Prepared, manifest: Manifest) -> Boxes:
    """Every box down to the smallest score, calibrated, on the image's own grid and clipped to it, best first."""
    decoding = {**DECODING, **manifest.decoding}
    heat = raw["heat"]
    axes = heat.ndim - 1
    boxes, logits = centre_boxes(
        heat,
        raw["size"],
        raw["offset"],
        _stride(raw, prepared.array.shape[1:]),
        smallest_score=decoding["smallest_score"],
        overlap=decoding["overlap"],
        most=int(decoding["most"]),
    )
    odds = np.array(
        [
            scaled(z, manifest.calibration.scales.get(manifest.labels[k]))
            for z, k in zip(logits, boxes.labels, strict=True)
        ],
        np.float64,
    )
    best = np.argsort(-odds, kind="stable")
    scored = Boxes.of(boxes.low[best], boxes.high[best], boxes.labels[best], sigmoid(odds[best]), axes=axes)
    back = boxes_to_original(scored, prepared).clipped(prepared.original.spatial)
    # The last cells of a grid may reach beyond the image.
    return back.where(np.flatnonzero((back.high > back.low).all(axis=1)))


def _stride(raw: Outputs, spatial: Sequence[int]) -> NDArray[np.float64]:
    """Voxels to a cell: as `raw` states it, or input size over output size where the outputs come from elsewhere."""
    if "stride" in raw:
        return raw["stride"].astype(np.float64)
    return np.array(strides_of(spatial, {"heat": raw["heat"]})["heat"], np.float64)
