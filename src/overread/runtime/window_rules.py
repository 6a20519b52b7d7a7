"""Sliding windows laid and blended as MONAI and nnU-Net do: models made elsewhere are answered as their origin does.

The rules differ in where windows start, in what stands around an image smaller than a window, and in the weights:

============ ======================== ============= =================================================
rule         windows start            padding       Gaussian weights
============ ======================== ============= =================================================
``monai``    at equal steps, the last zeros         centred, product over axes never below its least or
             flush with the end                     1e-3 (`sliding_window_inference`)
``nnunet``   evenly spread            zeros         around voxel ``size // 2``, product of filters of an
                                                    impulse (`compute_gaussian`)
============ ======================== ============= =================================================
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from overread.runtime.manifest import Windows
from overread.runtime.outputs import Network
from overread.runtime.sliding_window import Blended, collected, strides_of
from overread.runtime.stream import Layout, Weights

FLOOR = 1e-3
"""Of MONAI's weights (`monai.data.utils.compute_importance_map`)."""


def starts_of(length: int, size: int, windows: Windows) -> list[int]:
    """Window starts along an axis of ``length`` voxels, at least ``size``, by the rule of ``windows``.

    MONAI's: `monai.data.utils.dense_patch_slices`; nnU-Net's:
    `nnunetv2.inference.sliding_window_prediction.compute_steps_for_sliding_window`.
    """
    last = length - size
    if windows.rule == "monai":
        step = max(1, int(size * (1 - windows.overlap)))
        return [min(i * step, last) for i in range(1 + math.ceil(last / step))]
    count = 1 + math.ceil(last / (size * (1 - windows.overlap)))
    step_nn = last / (count - 1) if count > 1 else 0.0
    return [round(i * step_nn) for i in range(count)]


def weights_of(size: Sequence[int], windows: Windows) -> NDArray[np.float32]:
    """``(*size)`` weights of a window by the rule of ``windows``, above 0 everywhere."""
    if windows.weight == "constant":
        return np.ones(tuple(size), np.float32)
    if windows.rule == "monai":
        whole = _product([_centred(n, n * windows.sigma) for n in size])
        return np.maximum(whole, max(float(whole.min()), FLOOR)).astype(np.float32)
    whole = _product([_impulse(n, n * windows.sigma) for n in size])
    whole /= whole.max()
    return np.where(whole > 0, whole, whole[whole > 0].min()).astype(np.float32)


def layout_by_rule(spatial: Sequence[int], windows: Windows) -> Layout:
    """Windows over an image of ``spatial`` voxels, among zeros where it is smaller than one."""
    short = [max(0, s - n) for n, s in zip(spatial, windows.size, strict=True)]
    lines = [tuple(starts_of(max(n, s), s, windows)) for n, s in zip(spatial, windows.size, strict=True)]
    before = tuple(s // 2 for s in short)
    return Layout(tuple(spatial), tuple(windows.size), before, tuple(lines), padding="zeros")


def ruled_window(array: NDArray[np.float32], network: Network, windows: Windows) -> Blended:
    """As `overread.runtime.sliding_window.sliding_window`, by a rule of another framework; outputs on the input's grid.

    Raises InputError as `strides_of`.
    """
    layout, ones = layout_by_rule(array.shape[1:], windows), (1,) * len(windows.size)
    first = network(np.ascontiguousarray(layout.window(array, (0,) * len(ones)))[None])
    strides_of(windows.size, {name: out[0] for name, out in first.items()})
    weights = {name: Weights(weights_of(windows.size, windows), ones) for name in first}
    return Blended(collected(array, network, layout, weights, first=first), dict.fromkeys(first, ones))


def _product(axes: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    return reduce(lambda whole, axis: whole[..., None] * axis, axes)


def _centred(n: int, sigma: float) -> NDArray[np.float64]:
    x = np.arange(n) - (n - 1) / 2
    out: NDArray[np.float64] = np.exp(-(x**2) / (2 * sigma**2))
    return out


def _impulse(n: int, sigma: float) -> NDArray[np.float64]:
    from scipy import ndimage

    impulse = np.zeros(n)
    impulse[n // 2] = 1
    out: NDArray[np.float64] = ndimage.gaussian_filter1d(impulse, sigma, mode="constant", cval=0)
    return out
