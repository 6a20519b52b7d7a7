"""The small gray picture that stands for an image when images are compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from overread.imaging.grid.geometry import reorient
from overread.imaging.image import Image
from overread.imaging.intensity.color import to_gray

SIDE = 40
"""Pixels along a side, whatever the image's own shape."""
FLAT = 1e-6


def thumbnail(image: Image) -> NDArray[np.float16] | None:
    """``(SIDE, SIDE)``, mean 0 and standard deviation 1; None for an image without contrast.

    RGB becomes luma, other images show their first channel. A volume is shown by the mean of the middle tenth of its
    slices from foot to head, whatever the order of axes in which it is stored.
    """
    shown = to_gray(image) if len(image.array) == 3 else image
    gray = shown.array[0]
    if gray.ndim == 3:
        gray = reorient(Image(gray[None], image.affine)).array[0]
        n = gray.shape[2]
        half = max(1, n // 20)
        gray = gray[:, :, max(0, n // 2 - half) : n // 2 + half].mean(axis=2)
    plane = np.nan_to_num(gray.astype(np.float32), posinf=0, neginf=0)
    how = Pillow.Resampling.BICUBIC if min(plane.shape) >= SIDE else Pillow.Resampling.BILINEAR
    small = np.asarray(Pillow.fromarray(plane).resize((SIDE, SIDE), how))
    spread = float(small.std())
    if spread <= FLAT * max(1.0, float(np.abs(small).max())):
        return None
    return ((small - small.mean()) / spread).astype(np.float16)
