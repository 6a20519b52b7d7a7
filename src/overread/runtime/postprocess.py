"""What is done to a finished label map: holes filled, small or secondary parts removed. Labels only, part by part.

It works in the bounding box of each label, so that besides the map itself memory is needed for the found structures
only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from overread.imaging.grid.components import components
from overread.runtime.manifest_postprocess import Cleaning

Box = tuple[slice, ...]


def clean(
    mask: NDArray[np.uint8], steps: Mapping[str, Cleaning], labels: Sequence[str], *, per_voxel: float
) -> NDArray[np.uint8]:
    """``mask (*spatial)`` with the steps of each label done; the same array where there is nothing to do.

    All holes are filled first, and only with voxels of the background (0); what is removed becomes background. So no
    label takes a voxel from another, whatever their order. ``labels[k]`` is the name of value ``k``, ``per_voxel`` the
    volume (area) of a voxel in the unit of ``Cleaning.smallest``.
    """
    wanted = {k: steps[label] for k, label in enumerate(labels) if label in steps and k}
    if all(step.does_nothing for step in wanted.values()):
        return mask
    out = mask.copy()
    boxes = {k: box for k, box in boxes_of(mask) if k in wanted}
    for k, box in boxes.items():
        if wanted[k].fill_holes:
            out[box][holes(mask[box], k)] = k
    for k, box in boxes.items():
        if wanted[k].largest or wanted[k].smallest > 0:
            _remove(out[box], k, wanted[k], per_voxel)
    return out


def boxes_of(mask: NDArray[np.uint8]) -> Iterator[tuple[int, Box]]:
    """The value and bounding box of each label but 0 that ``mask`` holds."""
    for k, box in enumerate(find_objects(mask), 1):
        if box is not None:
            yield k, box


def holes(mask: NDArray[np.uint8], k: int) -> NDArray[np.bool_]:
    """Background that label ``k`` encloses, ``(*spatial)``; ``mask`` holds at least the bounding box of the label.

    A hole hangs together by faces (6 or 4 neighbours, as the label does by 26 or 8), touches no border and no other
    label: a tumour inside an organ is none, nor is the background beside it.
    """
    import cc3d

    other = mask != k
    parts, count = cc3d.connected_components(
        other.astype(np.uint8), connectivity=6 if mask.ndim == 3 else 4, return_N=True
    )
    closed = np.ones(int(count) + 1, np.bool_)
    closed[0] = False
    for axis in range(mask.ndim):
        for end in (0, -1):
            closed[np.unique(np.take(parts, end, axis=axis))] = False
    closed[np.unique(parts[other & (mask != 0)])] = False
    found: NDArray[np.bool_] = closed[parts]
    return found


def _remove(mask: NDArray[np.uint8], k: int, step: Cleaning, per_voxel: float) -> None:
    """Take the parts of label ``k`` that the step does not keep out of ``mask``, in place."""
    parts, count = components(mask == k)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    kept = kept_parts(sizes[1:], step, per_voxel)
    mask[~np.concatenate([[True], kept])[parts]] = 0


def kept_parts(sizes: NDArray[np.int64], step: Cleaning, per_voxel: float) -> NDArray[np.bool_]:
    """Which parts of ``sizes (n,)`` voxels a step keeps; of equally large ones the first is the largest."""
    kept = np.ones(len(sizes), np.bool_)
    if step.smallest > 0:
        kept &= sizes * per_voxel >= step.smallest * (1 - 1e-9)
    if step.largest and len(sizes):
        kept &= np.arange(len(sizes)) == int(np.argmax(sizes))
    return kept
