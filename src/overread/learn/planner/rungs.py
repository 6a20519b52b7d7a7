"""From the cheapest to the dearest way of looking: resolution and network, by what the objects allow.

A dearer one is worth its price only where time lets the network see every image often: on small sets and in minutes,
more looks at coarser images teach more than fewer at finer ones (measured, docs/performance.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from overread.cohort.fingerprint import Fingerprint
from overread.learn.planner.room import Room
from overread.nets.architecture import WHOLE_IMAGE
from overread.task import AnswerKind

ZOOMS = (1 / 8, 1 / 4, 1 / 2, 1.0)
# Pixels that an object, and the thinnest structure, must still have on the network's grid.
LEAST_EXTENT, LEAST_WIDTH = 32, 4
# Pixels of an object, and of the thinnest structure, from which a network that begins at half resolution will do.
EXTENT_OF_STRIDE, WIDTH_OF_STRIDE = 12, 3
FEW_CHANNELS, MANY_CHANNELS = 16, 32
WIDEST_OF_FEW = 256
# How often every training picture should be seen before a dearer way is tried: the next costs at least twice as much.
PASSES = 50
# Of whole images, of which a label says less than an outline does.
PASSES_OF_WHOLE = 12


def allowed_zooms(extents: Sequence[float], widths: Sequence[float]) -> list[float]:
    """Of `ZOOMS` those, coarsest first, at which objects of ``extents`` and structures of ``widths`` pixels remain."""
    if not extents or not widths:
        return [1.0]
    return [
        z for z in ZOOMS if z == 1 or (min(extents) * z >= LEAST_EXTENT and min(widths) * z >= LEAST_WIDTH)
    ]


def in_pixels(look: Fingerprint) -> tuple[list[float], list[float]]:
    """Of pictures, the extent of each label's typical object, and the thickness of each label and the background."""
    pixel = math.prod(look.median_spacing) ** 0.5
    return [e["typical"] / pixel for e in look.extent_mm.values()], [
        w / pixel for w in look.width_mm.values()
    ]


def rungs(look: Fingerprint, room: Room, answer: AnswerKind) -> list[Room]:
    """``room`` with each zoom and network that suits the objects, cheapest first.

    There is a choice on a processor; a GPU has time enough. Of label maps pictures have it, while volumes have a scale
    of their own. Of whole images volumes have it, unless they start from weights: a first layer at full resolution is
    most of what a small volume costs.
    """
    if room.gpu:
        return [room]
    if answer in WHOLE_IMAGE:
        if room.dimensions == 2 or room.weights:
            return [room]
        return [replace(room, first_stride=2), replace(room, first_width=FEW_CHANNELS), room]
    if answer != "label_map" or room.dimensions == 3 or not look.extent_mm:
        return [room]
    extents, widths = in_pixels(look)
    few = replace(room, first_width=FEW_CHANNELS, widest=WIDEST_OF_FEW)
    found = []
    for zoom in allowed_zooms(extents, widths):
        if min(extents) * zoom >= EXTENT_OF_STRIDE and min(widths, default=0.0) * zoom >= WIDTH_OF_STRIDE:
            found.append(replace(few, zoom=zoom, first_stride=2))
    return [*found, few, replace(room, first_width=MANY_CHANNELS)]


def enough_passes(answer: AnswerKind) -> float:
    """How often every training image should be seen before a dearer way is tried."""
    return PASSES_OF_WHOLE if answer in WHOLE_IMAGE else PASSES


def passes(*, steps: float, batch: int, patch: int, cases: int, image: int) -> float:
    """How often ``steps`` of ``batch`` patches of ``patch`` voxels show each voxel of ``cases`` of ``image`` voxels."""
    return steps * batch * min(patch, image) / (cases * image)
