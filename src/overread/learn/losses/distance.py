"""Distances to the boundary of masks, for the losses that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from torch import Tensor

Mask = NDArray[np.bool_]


def signed_distance(masks: Tensor, spacing: Sequence[float] | None) -> Tensor:
    """Of each of ``masks`` ``(b, channels, *spatial)`` the distance to its boundary: above 0 outside, below inside.

    In mm by ``spacing``, or in voxels. The last voxel inside has 0, the first one outside its distance from that. An
    empty or full mask has no boundary: 0 everywhere.
    """

    def signed(mask: Mask) -> NDArray[np.float64]:
        outside = distance_transform_edt(~mask, sampling=spacing)
        inside = distance_transform_edt(mask, sampling=spacing) - min(spacing or [1.0])
        return np.asarray(np.where(mask, -inside, outside))

    return _each(masks, signed)


def distance(masks: Tensor, spacing: Sequence[float] | None) -> Tensor:
    """Of each of ``masks`` ``(b, channels, *spatial)`` how far the nearest voxel of the other kind is; no sign."""
    return _each(
        masks,
        lambda mask: np.asarray(
            np.where(
                mask,
                distance_transform_edt(mask, sampling=spacing),
                distance_transform_edt(~mask, sampling=spacing),
            )
        ),
    )


@torch.no_grad()
def _each(masks: Tensor, of: Callable[[Mask], NDArray[np.float64]]) -> Tensor:
    """``of`` each mask (above one half), 0 for those without a boundary. On the processor, whatever the device."""
    flat = (masks > 0.5).flatten(0, 1).cpu().numpy()
    found = np.zeros(flat.shape, np.float32)
    for i, mask in enumerate(flat):
        if mask.any() and not mask.all():
            found[i] = of(mask)
    return torch.from_numpy(found).to(masks).reshape(masks.shape)


def check_spacing(spacing: Sequence[float] | None) -> None:
    """Raise ValueError unless ``spacing`` is None or numbers above 0, one an axis."""
    if spacing is not None and (len(spacing) not in (2, 3) or not min(spacing) > 0):
        raise ValueError(
            f"spacing: found {list(spacing)}, expected mm above 0, one an axis, or null for voxels"
        )
