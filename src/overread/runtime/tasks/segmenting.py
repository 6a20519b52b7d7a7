"""Windows of a labelling network over a prepared image: as a stream that becomes a label map, or as a whole."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from overread.runtime.answered import bright_box, widened
from overread.runtime.label_stream import Axis, LabelStream
from overread.runtime.manifest import Manifest, Windows
from overread.runtime.outputs import Network, Outputs
from overread.runtime.preprocess import Prepared
from overread.runtime.probability import sigmoid, softmax
from overread.runtime.sliding_window import collected, layout_of, weights_of
from overread.runtime.stream import Layout, Weights, best_axis, stream
from overread.runtime.tasks.whole import check_labels
from overread.runtime.window_rules import layout_by_rule
from overread.runtime.window_rules import weights_of as weights_by_rule

Array = NDArray[np.float32]
NAME = "probability"
BATCH = 4
"""Slices that a 2D network sees at once of a volume; of volumes one window at a time is as fast."""


def can_stream(prepared: Prepared) -> bool:
    """Whether rows of the image come from rows of the network's grid: not of a sheared grid, nor of one that was cut
    or resampled by the rules of another framework."""
    upright = prepared.upright.affine is prepared.original.affine
    return upright and not prepared.box and (prepared.spec is None or prepared.spec.resampling is None)


def channels(manifest: Manifest) -> int:
    """Probabilities of a voxel: one for each region, else for each label."""
    return len(manifest.regions) or len(manifest.labels)


def painted(manifest: Manifest) -> list[int]:
    """The label that each region paints; empty without regions."""
    return [manifest.labels.index(region.paints) for region in manifest.regions.values()]


def probabilities(network: Network, manifest: Manifest) -> tuple[Network, Callable[[Array], Array]]:
    """The network with its ``probability``, and what is still to be done to it once it is blended.

    Labels exclude each other (softmax), regions do not (sigmoid). With ``blend: logits`` logits are blended.
    """

    def known(z: Array) -> Array:
        if manifest.regions:
            return sigmoid(z.astype(np.float64)).astype(np.float32)
        return softmax(z, axis=0).astype(np.float32, copy=False)

    blends_logits = manifest.windows is not None and manifest.windows.blend == "logits"

    def answered(batch: Array) -> Outputs:
        z = network(batch)["logits"]
        check_labels(z.shape[1], manifest)
        return {NAME: z if blends_logits else np.moveaxis(known(np.moveaxis(z, 1, 0)), 0, 1)}

    return answered, known if blends_logits else lambda p: p


def layout(spatial: tuple[int, ...], windows: Windows | None) -> tuple[Layout, Weights]:
    """Where windows lie, and their weights: one over all of an image that is answered at once."""
    ones = (1,) * len(spatial)
    if windows is None:
        whole = Layout(spatial, spatial, (0,) * len(spatial), ((0,),) * len(spatial))
        return whole, Weights(np.ones(spatial, np.float32), ones)
    if windows.rule != "even":
        return layout_by_rule(spatial, windows), Weights(weights_by_rule(windows.size, windows), ones)
    even = layout_of(spatial, windows.size, windows.overlap, stack=windows.stack or 1)
    return even, Weights(weights_of(windows.size), ones)


def whole(network: Network, prepared: Prepared, manifest: Manifest) -> Array:
    """``probability (channels, *grid)``, all of it."""
    ask, finish = probabilities(network, manifest)
    where, weights = layout(prepared.array.shape[1:], manifest.windows)
    return finish(collected(prepared.array, ask, where, {NAME: weights})[NAME])


def labelled(network: Network, prepared: Prepared, manifest: Manifest, *, maps: bool = False) -> Outputs:
    """What `LabelStream.outputs` gives, of an image that `can_stream`."""
    ask, finish = probabilities(network, manifest)
    array, windows = prepared.array, manifest.windows
    grid = array.shape[1:]
    air = None if windows is None else windows.air
    region = tuple(slice(0, n) for n in grid)
    if windows is not None and air is not None:
        box = bright_box(array, air)
        if box is None:
            # Nothing but air: one window is asked, so that a network that fits no image is found out.
            box = [(0, 1)] * len(grid)
        region = widened(box, grid, windows.size)
    array = array[(slice(None), *region)]
    where, weights = layout(array.shape[1:], windows)
    axis = best_axis(where.spatial, where.size)
    count = channels(manifest)
    nothing = np.zeros(count, np.float32)
    if not manifest.regions:
        nothing[0] = 1
    taken = LabelStream(
        [Axis.between(*sizes) for sizes in _grids(prepared, region)],
        prepared.oriented.spatial,
        axis=axis,
        labels=count,
        paints=painted(manifest),
        maps=maps,
    )
    cut = _inside(prepared, region)
    slabs = stream(
        array,
        ask,
        where,
        {NAME: weights},
        axis=axis,
        batch=BATCH if windows is not None and windows.stack else 1,
        empty=None if air is None else lambda window: not (window > air).any(),
        fill=None if air is None else {NAME: nothing},
    )
    for slab in slabs:
        rows = slice(
            max(cut[axis].start, slab.start) - slab.start, min(cut[axis].stop, slab.stop) - slab.start
        )
        if rows.start < rows.stop:
            part = tuple(rows if a == axis else c for a, c in enumerate(cut))
            taken.take(finish(slab.output)[(slice(None), *part)])
    return taken.outputs()


def _grids(prepared: Prepared, region: tuple[slice, ...]) -> list[tuple[int, int, slice]]:
    """Along each axis: voxels of the network's grid that the image fills, of the image, and which of the former are in
    ``region``."""
    inside = prepared.inside or tuple(slice(0, n) for n in prepared.array.shape[1:])
    out = []
    for part, r, m in zip(inside, region, prepared.oriented.spatial, strict=True):
        of = slice(max(part.start, r.start) - part.start, min(part.stop, r.stop) - part.start)
        out.append((part.stop - part.start, m, of))
    return out


def _inside(prepared: Prepared, region: tuple[slice, ...]) -> tuple[slice, ...]:
    """Of ``region`` the part that the image fills, counted from the region's first voxel."""
    inside = prepared.inside or tuple(slice(0, n) for n in prepared.array.shape[1:])
    return tuple(
        slice(max(p.start, r.start) - r.start, min(p.stop, r.stop) - r.start)
        for p, r in zip(inside, region, strict=True)
    )
