"""Histogram standardisation of MR: one scale learnt from a cohort, to which each image's landmarks are moved.

Nyul and Udupa 1999, doi 10.1002/(SICI)1522-2594(199912)42:6<1072::AID-MRM11>3.0.CO;2-M; with landmarks at the deciles:
Nyul, Udupa and Zhang 2000, doi 10.1109/42.836373.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.imaging.intensity.normalise import foreground

PERCENTILES = (1.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 99.0)
SCALE = (0.0, 100.0)


@dataclass(frozen=True)
class Landmarks:
    """Where the ``percentiles`` of an image's foreground come to lie on the standard scale: ``values``."""

    percentiles: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        p, v = np.array(self.percentiles), np.array(self.values)
        if (
            len(p) < 2
            or len(p) != len(v)
            or (np.diff(p) <= 0).any()
            or p[0] < 0
            or p[-1] > 100
            or not np.isfinite(v).all()
            or (np.diff(v) < 0).any()
            or v[0] >= v[-1]
        ):
            raise InputError(
                f"landmarks: found percentiles {self.percentiles} and values {self.values}, expected two or more "
                "percentiles from 0 to 100 and as many values, both rising"
            )

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON content."""
        return {k: list(v) for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Landmarks:
        """The landmarks that `as_dict` gave. Raises InputError on anything else."""
        try:
            return cls(*(tuple(float(x) for x in content[k]) for k in ("percentiles", "values")))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"landmarks: {type(error).__name__}: {error}; fit them again") from error


def fit_landmarks(
    images: Iterable[NDArray[Any]],
    masks: Iterable[NDArray[np.bool_]] | None = None,
    *,
    percentiles: Sequence[float] = PERCENTILES,
    scale: tuple[float, float] = SCALE,
) -> Landmarks:
    """The standard scale of a cohort, one image in memory at a time.

    Each image's outermost percentiles are put on the ends of ``scale`` by a straight line; where the percentiles
    between them then lie is averaged over the images. Percentiles are taken over ``masks``, by default over what is
    brighter than the image's mean.

    Raises
    ------
    InputError
        No image, or one without contrast.
    """
    low, high = scale
    found = []
    for k, (image, mask) in enumerate(_pairs(images, masks)):
        own = _percentiles(image, mask, percentiles)
        if not own[-1] > own[0]:
            raise InputError(f"image {k + 1}: its foreground has no contrast; leave it out")
        found.append(low + (own - own[0]) * (high - low) / (own[-1] - own[0]))
    if not found:
        raise InputError("landmarks: no image was given; expected the training cases")
    return Landmarks(tuple(float(p) for p in percentiles), tuple(np.mean(found, axis=0).tolist()))


def standardise(
    image: NDArray[Any], landmarks: Landmarks, *, mask: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Grey values on the standard scale: straight between landmarks, the outermost pieces go on beyond them.

    The result does not change when the image's values are multiplied by a positive factor or shifted. Landmarks of the
    image that coincide go to the mean of theirs. An image without contrast becomes the scale's lower end.
    """
    own, values = _percentiles(image, mask, landmarks.percentiles), np.array(landmarks.values)
    at, which = np.unique(own, return_inverse=True)
    to = np.bincount(which, weights=values) / np.bincount(which)
    x = np.asarray(image, np.float64)
    if len(at) < 2:
        return np.full(x.shape, values[0], np.float32)
    result = np.interp(x, at, to)
    first, last = ((to[k + 1] - to[k]) / (at[k + 1] - at[k]) for k in (0, len(at) - 2))
    result += np.minimum(x - at[0], 0) * first + np.maximum(x - at[-1], 0) * last
    return result.astype(np.float32)


def _percentiles(
    image: NDArray[Any], mask: NDArray[np.bool_] | None, percentiles: Sequence[float]
) -> NDArray[np.float64]:
    x = np.asarray(image)
    inside = x[foreground(x) if mask is None else mask.astype(bool, copy=False)]
    if inside.size == 0:
        inside = x.ravel()
    return np.percentile(inside.astype(np.float64), percentiles)


def _pairs(
    images: Iterable[NDArray[Any]], masks: Iterable[NDArray[np.bool_]] | None
) -> Iterable[tuple[NDArray[Any], NDArray[np.bool_] | None]]:
    return ((i, None) for i in images) if masks is None else zip(images, masks, strict=True)
