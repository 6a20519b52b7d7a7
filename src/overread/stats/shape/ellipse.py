"""The ellipse of a mask in the plane, and its circumference: how head circumference is taken in ultrasound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ellipe

from overread.stats.segmentation.lesions import components
from overread.stats.segmentation.masks import voxel_size


@dataclass(frozen=True)
class Ellipse:
    """``centre`` in mm along both axes of the array from the middle of the first pixel, half axes in mm, and the angle
    of the longer one from the first axis of the array towards the second, radians."""

    centre: tuple[float, float]
    major: float
    minor: float
    angle: float

    @property
    def circumference(self) -> float:
        """Length of its line in mm, by the complete elliptic integral of the second kind."""
        return float(4 * self.major * ellipe(1 - (self.minor / self.major) ** 2))


def fitted_ellipse(mask: ArrayLike, *, spacing: ArrayLike | None = None) -> Ellipse | None:
    """The ellipse with the area moments of the largest part of ``mask (rows, columns)``; None of an empty mask.

    A filled ellipse with half axes a and b has variances a^2 / 4 and b^2 / 4 along them (Haralick and Shapiro, Computer
    and Robot Vision 1992, volume 1, section 3.3); each pixel adds its own, a twelfth of its side squared. It uses every
    pixel, so that notches and steps of the outline hardly move it.

    ``spacing``: mm per axis, 1 if not given. Raises ValueError for other than two axes.
    """
    found = np.asarray(mask) != 0
    if found.ndim != 2:
        raise ValueError(f"mask has {found.ndim} axes, expected 2")
    if not found.any():
        return None
    size = voxel_size(spacing, 2)
    parts, count = components(found)
    largest = 1 + int(np.bincount(parts.ravel(), minlength=count + 1)[1:].argmax())
    at = np.argwhere(parts == largest) * size
    covariance = np.cov(at, rowvar=False, bias=True).reshape(2, 2) + np.diag(size**2) / 12
    variance, direction = np.linalg.eigh(covariance)
    minor, major = 2 * np.sqrt(variance)
    centre = at.mean(axis=0)
    return Ellipse(
        (float(centre[0]), float(centre[1])),
        float(major),
        float(minor),
        float(np.arctan2(direction[1, 1], direction[0, 1])),
    )
