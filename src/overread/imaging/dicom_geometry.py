"""From planes to one grid: sorting along the normal, refusing what is no regular volume, the affine.

Source of the equations: PS3.3 C.7.6.2.1.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.imaging.dicom_planes import Plane

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
SPACING_RELATIVE, SPACING_ABSOLUTE = 0.01, 0.01
"""Slice distances may differ from their median by this fraction or by this many mm, whichever is more."""
ORIENTATION_TOLERANCE = 5e-4


def check_alike(planes: Sequence[Plane]) -> None:
    """Raise InputError unless all planes have a position and the same size, orientation and pixel spacing."""
    first = planes[0]
    for plane in planes:
        if plane.position is None or plane.orientation is None:
            raise InputError(
                f"{plane.name}: one of {len(planes)} images, but without ImagePositionPatient and "
                "ImageOrientationPatient they are no volume; give one image at a time"
            )
        if not has_spacing(plane):
            raise InputError(f"{plane.name}: PixelSpacing is missing or not positive; a volume needs it")
        if plane.shape != first.shape:
            raise InputError(
                f"{plane.name}: has {plane.shape[0]} x {plane.shape[1]} rows x columns, "
                f"but {first.name} has {first.shape[0]} x {first.shape[1]}; give one series of one size"
            )
        assert first.orientation is not None and first.spacing is not None and plane.spacing is not None
        if np.abs(plane.orientation - first.orientation).max() > ORIENTATION_TOLERANCE:
            raise InputError(
                f"mixed orientations: {plane.name} has ImageOrientationPatient "
                f"{plane.orientation.ravel().tolist()}, "
                f"{first.name} has {first.orientation.ravel().tolist()}; "
                "remove the localizer or give each orientation by itself"
            )
        if not np.allclose(plane.spacing, first.spacing, rtol=1e-3, atol=1e-4):
            raise InputError(
                f"{plane.name}: PixelSpacing is {list(plane.spacing)}, "
                f"but {first.name} has {list(first.spacing)}; give one series of one spacing"
            )


def has_spacing(plane: Plane) -> bool:
    """Whether the file says how far apart the pixels lie."""
    return plane.spacing is not None and min(plane.spacing) > 0


def normal(plane: Plane) -> NDArray[np.float64]:
    """Unit normal of a plane, LPS: row direction x column direction."""
    assert plane.orientation is not None
    n = np.cross(plane.orientation[0], plane.orientation[1])
    return n / np.linalg.norm(n)


def sort_planes(planes: Sequence[Plane]) -> list[Plane]:
    """Planes by ascending position along the normal (planes at one position keep their order)."""
    n = normal(planes[0])
    return sorted(planes, key=lambda p: float(n @ _position(p)))


def check_regular(planes: Sequence[Plane]) -> None:
    """Raise InputError unless sorted planes at distinct positions are evenly spaced along their normal.

    Gantry tilt, missing slices and uneven spacing are told apart, with the numbers and the slices.
    """
    n = normal(planes[0])
    steps = np.diff([_position(p) for p in planes], axis=0)
    gaps = steps @ n
    median = float(np.sort(gaps)[(len(gaps) - 1) // 2])
    tolerance = max(SPACING_ABSOLUTE, SPACING_RELATIVE * median) + 1e-6
    uneven = f"slice distances along the normal run from {gaps.min():.4f} to {gaps.max():.4f} mm"
    aside = np.linalg.norm(steps - gaps[:, None] * n, axis=1)
    if aside.max() > tolerance:
        k = int(aside.argmax())
        whole = _position(planes[-1]) - _position(planes[0])
        angle = np.degrees(np.arccos(np.clip(n @ whole / np.linalg.norm(whole), -1, 1)))
        extra = f"; {uneven} too" if np.ptp(gaps) > tolerance else ""
        raise InputError(
            f"gantry tilt of {angle:.2f} degrees: from {planes[k].name} to {planes[k + 1].name} the position "
            f"moves {aside[k]:.3f} mm sideways, off the normal of the slices{extra}; "
            "resample the series to an untilted volume first"
        )
    off = np.abs(gaps - median)
    if off.max() <= tolerance:
        return
    k = int(off.argmax())
    where = f"between {planes[k].name} and {planes[k + 1].name}"
    multiples = np.round(gaps / median)
    if (multiples >= 1).all() and (np.abs(gaps - multiples * median) <= tolerance * multiples).all():
        missing = int((multiples - 1).sum())
        raise InputError(
            f"{missing} missing slice{'s' if missing > 1 else ''}: the distance {where} is {gaps[k]:.4f} mm, "
            f"{int(multiples[k])} times the {median:.4f} mm of the others; send the complete series"
        )
    raise InputError(
        f"uneven slice spacing: {uneven} (median {median:.4f}, tolerance {tolerance:.4f}), "
        f"farthest off {where} with {gaps[k]:.4f} mm; give an evenly spaced series"
    )


def volume_affine(planes: Sequence[Plane]) -> NDArray[np.float64]:
    """(4, 4) RAS+ mm affine of sorted planes for the index (column, row, slice)."""
    first, last = planes[0], planes[-1]
    assert first.orientation is not None and first.spacing is not None
    affine = np.eye(4)
    affine[:3, 0] = first.orientation[0] * first.spacing[1]
    affine[:3, 1] = first.orientation[1] * first.spacing[0]
    affine[:3, 2] = (_position(last) - _position(first)) / (len(planes) - 1)
    affine[:3, 3] = _position(first)
    return LPS_TO_RAS @ affine


def plane_affine(plane: Plane) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """(4, 4) RAS+ mm affine of a single plane for the index (row, column), and what had to be assumed.

    Without position and orientation the picture is laid as an axial slice seen from below: columns run
    to the patient's left, rows to posterior, origin 0. The third axis is the normal, by the thickness.
    """
    notes = []
    spacing = plane.spacing or (1.0, 1.0)
    if not has_spacing(plane):
        spacing = (1.0, 1.0)
        notes.append("no pixel spacing: 1 mm was assumed, distances are in pixels")
    axes, origin = plane.orientation, plane.position
    if axes is None or origin is None:
        axes, origin = np.array([[1.0, 0, 0], [0, 1.0, 0]]), np.zeros(3)
    affine = np.eye(4)
    affine[:3, 0] = axes[1] * spacing[0]
    affine[:3, 1] = axes[0] * spacing[1]
    affine[:3, 2] = np.cross(axes[0], axes[1]) * (plane.thickness or 1.0)
    affine[:3, 3] = origin
    return LPS_TO_RAS @ affine, tuple(notes)


def _position(plane: Plane) -> NDArray[np.float64]:
    assert plane.position is not None
    return plane.position
