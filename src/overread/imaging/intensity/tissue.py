"""z-score over what is no air or padding around the patient, so that it does not move with how much of that there is.

Air is the low part of the grey values (Otsu, IEEE Trans Syst Man Cybern 1979;9:62) as far as it is connected to the
image's border, much darker than the rest and parted from it by a valley. Where there is none (a skull-stripped box, a
part of an organ) nothing is left out: dark tissue at the border is no air.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.imaging.intensity.normalise import LEAST_DEVIATION

FEWEST_BINS, MOST_BINS = 16, 256
AIR = 0.25
"""Of the rest's mean: air lies below. Fluid in T1 is at a third of white matter."""
ROUNDS = 4
"""Splits at most: where there is little air the first ones part tissues, else air and fluid from those."""
VALLEY = 0.5
"""Of the lower of two peaks of the histogram."""
LEAST_AIR = 0.005
"""Of the image: less air moves mean and deviation by less than a hundredth."""
PADDING = 0.2
"""Of the border: so many voxels of exactly one value are no measurement but filling."""
LARGEST = 1 << 21
"""Voxels that are looked at; of a larger image every second (third ...) along each axis."""


def tissue_zscore(values: NDArray[Any]) -> NDArray[np.float32]:
    """``(*spatial)`` minus the mean, by the standard deviation, both over `tissue`; a constant image gives 0."""
    x = np.asarray(values, np.float32)
    part = _thinned(x)
    inside = part[tissue(part)]
    if not inside.size:
        inside = part.ravel()
    mean, std = float(inside.mean(dtype=np.float64)), float(inside.std(dtype=np.float64))
    return (x - np.float32(mean)) / np.float32(max(std, LEAST_DEVIATION))


def tissue(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where ``(*spatial)`` is neither padding nor air: see the module."""
    x = np.asarray(values, np.float32)
    inside = ~_padding(x)
    threshold = air_threshold(x[inside]) if inside.any() else None
    if threshold is not None:
        inside &= ~_from_border((x < threshold) | ~inside)
    return inside


def air_threshold(values: NDArray[np.float32]) -> float | None:
    """The grey value below which ``(n,)`` is air, None where there is no part so much darker than the rest.

    The low part of a split must lie below `AIR` of the mean of what it was split from. Values below 0 are no
    magnitudes, of which no signal is 0: then nothing is air.
    """
    low, high = np.percentile(values, [0.1, 99.9])
    if low < 0 or not high > low:
        return None
    bins = int(np.clip(4 * values.size ** (1 / 3), FEWEST_BINS, MOST_BINS))
    count, edges = np.histogram(values, bins, (float(low), float(high)))
    centre = (edges[1:] + edges[:-1]) / 2
    found, end = None, bins
    for _ in range(ROUNDS):
        cut = _otsu(count[:end])
        if cut is None:
            break
        # Of the part that was split: of air and fluid together air is much darker than the fluid.
        stop = bins if found is None else end
        below, above = count[:cut], count[cut:stop]
        dark = float(below @ centre[:cut]) / below.sum()
        bright = float(above @ centre[cut:stop]) / above.sum()
        valley = _valley(count[:stop], cut)
        if dark < AIR * bright and valley is not None:
            found = valley
        elif found is not None:
            break
        end = cut
    if found is None or count[:found].sum() < LEAST_AIR * count.sum():
        return None
    return float(edges[found])


def _valley(count: NDArray[np.integer], cut: int) -> int | None:
    """The lowest bin between the two peaks beside ``cut``; None where it is not below `VALLEY` of the lower one: bright
    tissue with a long tail is one hill, whose foot is no air."""
    smooth = np.convolve(np.pad(count, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    left, right = int(np.argmax(smooth[:cut])), cut + int(np.argmax(smooth[cut:]))
    lowest = left + int(np.argmin(smooth[left : right + 1]))
    return lowest if smooth[lowest] < VALLEY * min(smooth[left], smooth[right]) else None


def _otsu(count: NDArray[np.integer]) -> int | None:
    """The bin at which the histogram parts into two classes with the largest variance between them."""
    if len(count) < 2 or count.sum() == 0:
        return None
    weight = np.cumsum(count).astype(np.float64)
    moment = np.cumsum(count * np.arange(len(count)))
    rest = weight[-1] - weight
    valid = (weight > 0) & (rest > 0)
    if not valid.any():
        return None
    between = np.zeros(len(count))
    low = moment[valid] / weight[valid]
    high = (moment[-1] - moment[valid]) / rest[valid]
    between[valid] = weight[valid] * rest[valid] * (high - low) ** 2
    return int(np.argmax(between)) + 1


def _padding(x: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Voxels of exactly the value that fills the border."""
    faces = [np.take(x, k, axis).ravel() for axis in range(x.ndim) for k in (0, -1)]
    names, counts = np.unique(np.concatenate(faces), return_counts=True)
    most = int(np.argmax(counts))
    if counts[most] < PADDING * counts.sum():
        return np.zeros(x.shape, bool)
    return _from_border(x == names[most])


def _from_border(part: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The voxels of ``part`` that are connected to the image's border by faces."""
    import cc3d

    parts = cc3d.connected_components(part.astype(np.uint8), connectivity=6 if part.ndim == 3 else 4)
    faces = [np.take(parts, k, axis).ravel() for axis in range(part.ndim) for k in (0, -1)]
    touching = np.zeros(int(parts.max()) + 1, bool)
    touching[np.concatenate(faces)] = True
    touching[0] = False
    return touching[parts]


def _thinned(x: NDArray[np.float32]) -> NDArray[np.float32]:
    step = 1
    while x.size / step**x.ndim > LARGEST:
        step += 1
    return x[(slice(None, None, step),) * x.ndim]
