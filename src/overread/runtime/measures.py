"""The measures of a label that a protocol can ask for, beside its volume: one row each, on the grid of the image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from overread.imaging.grid.geometry import axis_codes
from overread.imaging.image import Image
from overread.stats.shape import axes_in_plane, fitted_ellipse, max_diameter, surface_size

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class MeasureOf:
    """One measure of a mask ``(*spatial)``.

    ``axes``: for which images it is meant. ``unit``: UCUM; lengths become pixels where no file states their size.
    ``error``: how tuning cases err, by a ``ratio`` that grows with the measure or by a ``difference``. ``take`` gives
    the measure of a mask that holds a voxel. ``meaning`` is for a person.
    """

    key: str
    axes: frozenset[int]
    unit: Literal["mm", "mm2"]
    error: Literal["ratio", "difference"]
    meaning: str
    take: Callable[[Mask, Image], float]

    @property
    def name(self) -> str:
        """As it stands in answers."""
        return self.key.replace("_", " ")

    def unit_on(self, image: Image) -> str:
        """Its unit for an image."""
        known = len(image.spatial) == 3 or image.source.get("spacing_known", True)
        return self.unit if known else "{pixels}"

    def of(self, mask: Mask, image: Image) -> float | None:
        """The measure; 0 of nothing, but None of a place."""
        if not mask.any():
            return None if self.error == "difference" else 0.0
        return self.take(mask, image)


def _axis(which: Literal["long", "short"], mask: Mask, image: Image) -> float:
    sliced, spacing = _axial(mask, image)
    found = axes_in_plane(sliced, spacing=spacing)
    assert found is not None
    return getattr(found, which)  # type: ignore[no-any-return]


def _axial(mask: Mask, image: Image) -> tuple[Mask, Sequence[float]]:
    """The mask with its axial slices along the last axis, and the voxels' size in that order."""
    spacing = list(image.spacing)
    if mask.ndim == 2:
        return mask, spacing
    codes = axis_codes(image.affine)
    across = next(i for i, code in enumerate(codes) if code in "SI")
    spacing.append(spacing.pop(across))
    return np.moveaxis(mask, across, -1), spacing


def _max_diameter(mask: Mask, image: Image) -> float:
    return max_diameter(mask, spacing=image.spacing)


def _surface(mask: Mask, image: Image) -> float:
    return surface_size(mask, spacing=image.spacing)


def _circumference(mask: Mask, image: Image) -> float:
    found = fitted_ellipse(mask, spacing=image.spacing)
    assert found is not None
    return found.circumference


def _place(axis: int, mask: Mask, image: Image) -> float:
    middle = np.array([np.arange(n) @ _along(mask, k) for k, n in enumerate(mask.shape)]) / mask.sum()
    matrix = image.affine[:3, : mask.ndim]
    return float(matrix[axis] @ middle + image.affine[axis, 3])


def _along(mask: Mask, axis: int) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = mask.sum(axis=tuple(i for i in range(mask.ndim) if i != axis))
    return counts


_BOTH, _PLANE, _VOLUME = frozenset({2, 3}), frozenset({2}), frozenset({3})
_ALL = (
    MeasureOf(
        "long_axis",
        _BOTH,
        "mm",
        "ratio",
        "RECIST 1.1: longest diameter of one part in any axial slice",
        partial(_axis, "long"),
    ),
    MeasureOf(
        "short_axis",
        _BOTH,
        "mm",
        "ratio",
        "RECIST 1.1: longest diameter across the long axis, in the same slice",
        partial(_axis, "short"),
    ),
    MeasureOf("max_diameter", _VOLUME, "mm", "ratio", "Longest diameter in 3D, all parts", _max_diameter),
    MeasureOf("surface", _VOLUME, "mm2", "ratio", "Area of the surface (mesh)", _surface),
    MeasureOf("perimeter", _PLANE, "mm", "ratio", "Length of the contour (mesh)", _surface),
    MeasureOf(
        "circumference",
        _PLANE,
        "mm",
        "ratio",
        "Length of the ellipse that has the area moments of the largest part",
        _circumference,
    ),
    *(
        MeasureOf(
            f"centroid_{name}",
            _VOLUME,
            "mm",
            "difference",
            f"Centre of all parts in the patient, {words} (RAS+)",
            partial(_place, axis),
        )
        for axis, (name, words) in enumerate(
            {"x": "to the right", "y": "to the front", "z": "upwards"}.items()
        )
    ),
)
MEASURES: Mapping[str, MeasureOf] = {m.key: m for m in _ALL}
"""By key, as protocol.yaml and package.json name them."""


def measure_faults(
    measures: Mapping[str, Sequence[str]], labels: Sequence[str], dimensions: int
) -> list[str]:
    """What is wrong with ``measures`` of ``labels`` (without the background), a line each."""
    out = []
    known = [key for key, m in MEASURES.items() if dimensions in m.axes]
    for label, names in measures.items():
        if label not in labels:
            out.append(f"measures: found label {label!r}, expected some of {', '.join(labels)}")
        out += [
            f"measures: {label}: found {name!r}, expected some of {', '.join(known)} in {dimensions}D"
            for name in names
            if name not in known
        ]
        if len(set(names)) < len(names):
            out.append(f"measures: {label}: a name stands twice")
    return out
