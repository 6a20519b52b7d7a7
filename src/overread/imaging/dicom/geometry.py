"""From planes to one grid: sorting along the normal, what is no regular volume, the affine.

Source of the equations: PS3.3 C.7.6.2.1.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.imaging.dicom.planes import Plane
from overread.imaging.image import LPS_TO_RAS

SPACING_RELATIVE, SPACING_ABSOLUTE = 0.01, 0.01
"""Slices may lie off their place on the even grid by this fraction of their median distance or by this many mm."""
ORIENTATION_TOLERANCE = 5e-4
GAP_RATIO = 2.6
"""A distance of more than this many medians is a hole, unless slices as thick as that say otherwise."""
COVERED = 0.9
"""Slices whose thickness is this part of their distance or more leave no hole between them."""
FINEST = 8
"""Uneven slices are resampled onto no more than this many times their number."""


@dataclass(frozen=True)
class Grid:
    """Where the slices of a volume lie.

    ``affine`` is (4, 4), RAS+ mm, of the index (column, row, slice). ``between`` is None where slices are
    planes as they were acquired, else (slices,) float: the place of each among the sorted planes.
    """

    affine: NDArray[np.float64]
    notes: tuple[str, ...] = ()
    between: NDArray[np.float64] | None = None


def check_alike(planes: Sequence[Plane]) -> None:
    """Raise InputError unless all planes have a position and the same size, orientation and pixel spacing."""
    first = planes[0]
    for plane in planes:
        if plane.position is None or plane.orientation is None:
            raise InputError(
                f"{plane.name}: one of {len(planes)} images, but without ImagePositionPatient and "
                "ImageOrientationPatient they are no volume; give one image at a time"
            )
        if plane.spacing.mm is None:
            raise InputError(f"{plane.name}: PixelSpacing is missing or not positive; a volume needs it")
        if plane.shape != first.shape:
            raise InputError(
                f"{plane.name}: has {plane.shape[0]} x {plane.shape[1]} rows x columns, "
                f"but {first.name} has {first.shape[0]} x {first.shape[1]}; give one series of one size"
            )
        if same_spacing(plane, first) is False:
            raise InputError(
                f"{plane.name}: PixelSpacing is {list(plane.spacing.mm)}, "
                f"but {first.name} has {list(first.spacing.mm or ())}; give one series of one spacing"
            )
    turned = off_orientation(planes)
    if turned.size:
        plane = planes[int(turned[0])]
        raise InputError(
            f"mixed orientations: {plane.name} has ImageOrientationPatient {cosines(plane).ravel().tolist()}, "
            f"{first.name} has {cosines(first).ravel().tolist()}; "
            "remove the localizer or give each orientation by itself"
        )


def same_spacing(plane: Plane, other: Plane) -> bool:
    """Whether the pixels of two planes are equally far apart."""
    if plane.spacing.mm == other.spacing.mm:
        return True
    a, b = plane.spacing.mm, other.spacing.mm
    return a is not None and b is not None and bool(np.allclose(a, b, rtol=1e-3, atol=1e-4))


def off_orientation(planes: Sequence[Plane]) -> NDArray[np.intp]:
    """Indices of the planes that are turned against the first one."""
    turned = np.array([cosines(p) for p in planes]) - cosines(planes[0])
    return np.flatnonzero(np.abs(turned).max(axis=(1, 2)) > ORIENTATION_TOLERANCE)


def cosines(plane: Plane) -> NDArray[np.float64]:
    """The orientation of a plane that has one, (2, 3)."""
    if plane.orientation is None:
        raise InputError(f"{plane.name}: ImageOrientationPatient is missing; the image has no place")
    return plane.orientation


def position(plane: Plane) -> NDArray[np.float64]:
    """The position of a plane that has one, (3,)."""
    if plane.position is None:
        raise InputError(f"{plane.name}: ImagePositionPatient is missing; the image has no place")
    return plane.position


def normal(plane: Plane) -> NDArray[np.float64]:
    """Unit normal of a plane, LPS: row direction x column direction."""
    axes = cosines(plane)
    n = np.cross(axes[0], axes[1])
    return n / np.linalg.norm(n)


def sort_planes(planes: Sequence[Plane]) -> list[Plane]:
    """Planes by ascending position along the normal (planes at one position keep their order)."""
    heights = np.array([position(p) for p in planes]) @ normal(planes[0])
    return [planes[k] for k in np.argsort(heights, kind="stable")]


def grid(planes: Sequence[Plane], exact: bool = False) -> Grid:
    """The grid of two or more sorted planes at distinct positions.

    Slices that are shifted against each other along one line (gantry tilt) keep their voxels, and the affine
    is sheared. Uneven distances give an even grid from the first slice to the last, as fine as the smallest
    distance. Both are noted.

    Raises
    ------
    InputError
        Missing slices; slices off a common line; with ``exact`` also uneven distances.
    """
    n = normal(planes[0])
    places = np.array([position(p) for p in planes])
    heights = (places - places[0]) @ n
    gaps = np.diff(heights)
    median = float(np.sort(gaps)[(len(gaps) - 1) // 2])
    tolerance = max(SPACING_ABSOLUTE, SPACING_RELATIVE * median) + 1e-6
    along = (places[-1] - places[0]) / heights[-1]
    aside = np.linalg.norm(places - places[0] - heights[:, None] * along, axis=1)
    if aside.max() > tolerance:
        k = int(aside.argmax())
        raise InputError(
            f"slices are off one line: {planes[k].name} lies {aside[k]:.3f} mm aside of the line from "
            f"{planes[0].name} to {planes[-1].name}; give each stack of slices by itself"
        )
    notes = _tilt(along, n, heights[-1], tolerance)
    off = np.abs(heights - np.linspace(0, heights[-1], len(heights)))
    if off.max() <= tolerance:
        return Grid(_affine(planes[0], along * heights[-1] / (len(planes) - 1)), notes)
    _check_gaps(planes, gaps, median, tolerance)
    k = int(np.abs(gaps - median).argmax())
    found = (
        f"uneven slice spacing: slice distances along the normal run from {gaps.min():.4f} to "
        f"{gaps.max():.4f} mm (median {median:.4f}, tolerance {tolerance:.4f}), farthest off between "
        f"{planes[k].name} and {planes[k + 1].name} with {gaps[k]:.4f} mm"
    )
    if exact:
        raise InputError(f"{found}; give an evenly spaced series")
    count = min(round(heights[-1] / gaps.min()) + 1, FINEST * len(planes))
    step = heights[-1] / (count - 1)
    between = np.interp(np.linspace(0, heights[-1], count), heights, np.arange(len(planes)))
    notes += (
        f"{found}; resampled from {len(planes)} slices onto {count} of {step:.4f} mm, "
        "linear between neighbouring slices",
    )
    return Grid(_affine(planes[0], along * step), notes, between)


def _tilt(
    along: NDArray[np.float64], n: NDArray[np.float64], extent: float, tolerance: float
) -> tuple[str, ...]:
    sideways = float(np.linalg.norm(along - n))
    if sideways * extent <= tolerance:
        return ()
    angle = np.degrees(np.arctan(sideways))
    return (
        f"gantry tilt of {angle:.2f} degrees: slices are shifted {sideways:.4f} mm sideways per mm along their "
        "normal; the affine is sheared",
    )


def _check_gaps(planes: Sequence[Plane], gaps: NDArray[np.float64], median: float, tolerance: float) -> None:
    """Raise InputError where slices are missing: holes of a multiple of the usual distance, or very large ones."""
    multiples = np.round(gaps / median)
    regular = bool(
        (multiples >= 1).all() and (np.abs(gaps - multiples * median) <= tolerance * multiples).all()
    )
    holes = [
        k
        for k in np.flatnonzero((multiples > 1) if regular else (gaps > GAP_RATIO * median)).tolist()
        if min(planes[k].thickness or 0.0, planes[k + 1].thickness or 0.0) < COVERED * gaps[k]
    ]
    if not holes:
        return
    missing = int(sum(multiples[k] - 1 for k in holes))
    k = max(holes, key=lambda k: float(gaps[k]))
    others = "" if len(holes) == 1 else f" ({len(holes)} such gaps)"
    raise InputError(
        f"{missing if regular else f'about {missing}'} missing slice{'s' if missing > 1 else ''}: the distance "
        f"between {planes[k].name} and {planes[k + 1].name} is {gaps[k]:.4f} mm{others}, "
        f"{multiples[k]:.0f} times the {median:.4f} mm of the others; send the complete series"
    )


def _affine(first: Plane, step: NDArray[np.float64]) -> NDArray[np.float64]:
    spacing, axes = first.spacing.mm or (1.0, 1.0), cosines(first)
    affine = np.eye(4)
    affine[:3, 0] = axes[0] * spacing[1]
    affine[:3, 1] = axes[1] * spacing[0]
    affine[:3, 2] = step
    affine[:3, 3] = position(first)
    return LPS_TO_RAS @ affine


def plane_affine(plane: Plane) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """(4, 4) RAS+ mm affine of a single plane for the index (row, column), and what had to be assumed.

    Without position and orientation the picture is laid as an axial slice seen from below: columns run
    to the patient's left, rows to posterior, origin 0. The third axis is the normal, by the thickness.
    """
    notes = plane.spacing.notes
    spacing = plane.spacing.mm
    if spacing is None:
        spacing = (plane.spacing.aspect, 1.0)
        note = "no pixel spacing: 1 mm was assumed, distances are in pixels"
        if plane.spacing.aspect != 1:
            note += f" (of PixelAspectRatio {plane.spacing.aspect:g})"
        notes = (note, *notes)
    axes, origin = plane.orientation, plane.position
    if axes is None or origin is None:
        axes, origin = np.array([[1.0, 0, 0], [0, 1.0, 0]]), np.zeros(3)
    affine = np.eye(4)
    affine[:3, 0] = axes[1] * spacing[0]
    affine[:3, 1] = axes[0] * spacing[1]
    affine[:3, 2] = np.cross(axes[0], axes[1]) * (plane.thickness or 1.0)
    affine[:3, 3] = origin
    return LPS_TO_RAS @ affine, notes


def frames_affine(plane: Plane) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """As `plane_affine`, for the index (column, row, frame) of frames that are no slices: 1 mm per frame."""
    affine, notes = plane_affine(plane)
    third = affine[:, 2] / np.linalg.norm(affine[:3, 2])
    return np.column_stack([affine[:, 1], affine[:, 0], third, affine[:, 3]]), notes
