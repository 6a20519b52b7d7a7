"""Maps of an answer: for every voxel of the image as given, how probable each label was there.

An answer keeps the decision alone; who shows or sends where the network hesitated asks `predict` for the maps too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from overread.runtime.manifest import Manifest
from overread.runtime.outputs import Outputs
from overread.runtime.preprocess import Prepared, to_cut, to_original, uncut
from overread.task import TASKS

PROBABILITY = "probability of "
MAP = "map "
"""Before its channel's number: a map in the outputs of a task, made while it was answered, with as many steps."""
STEPS = 255
"""Maps are kept in so many steps: finer ones would claim more than a network can tell apart."""


def maps_of(raw: Outputs, prepared: Prepared, manifest: Manifest, /) -> dict[str, NDArray[np.uint8]]:
    """``(*spatial)`` uint8 by name, probability times 255 on the grid of the image as given.

    One map for each region, else for each label but the background, where the task labels voxels; none for other tasks.
    """
    if TASKS[manifest.task].answer != "label_map":
        return {}
    out: dict[str, NDArray[np.uint8]] = {}
    names = list(manifest.regions) or manifest.labels
    first = 0 if manifest.regions else 1
    if "probability" not in raw:
        return {
            PROBABILITY + name: to_original(np.asarray(raw[MAP + str(k)], np.uint8), prepared)
            for k, name in enumerate(names)
            if k >= first
        }
    for label, p in zip(names[first:], raw["probability"][first:], strict=True):
        back = to_original(uncut(to_cut(p, prepared), prepared), prepared)
        out[PROBABILITY + label] = np.rint(np.clip(back, 0, 1) * STEPS).astype(np.uint8)
    return out
