"""The planes of an image among the instances that it was read from: what a region in a report refers to.

Source: PS3.3 C.7.6.2 (Image Plane), C.7.6.16 (Multi-frame Functional Groups), C.18.6 and C.18.9 (coordinates).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from overread.imaging.dicom.values import first_item, floats, items


@dataclass(frozen=True)
class ImagePlane:
    """One slice of a volume, or the one picture of a 2D image.

    Attributes
    ----------
    header
        The data set that holds it.
    frame
        Its number among several frames of one object, from 1; None in an object of one frame.
    position, orientation, spacing
        ``(3,)`` LPS mm of the centre of the first pixel, ``(2, 3)`` direction cosines along a row and along a
        column, ``(2,)`` mm between rows and between columns; None where the object does not say.
    """

    header: Dataset
    frame: int | None
    position: NDArray[np.float64] | None
    orientation: NDArray[np.float64] | None
    spacing: NDArray[np.float64] | None

    @property
    def frame_of_reference(self) -> str:
        """Frame of Reference UID; empty where the object has none, or where the plane has no place in it."""
        if self.position is None or self.orientation is None or self.spacing is None:
            return ""
        return str(self.header.get("FrameOfReferenceUID", "") or "")

    def in_patient(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """``(n, 3)`` LPS mm of ``(n, 2)`` points ``(column, row)``, counted from the outer edge of the first pixel.

        Raises ValueError for a plane without a place.
        """
        if self.position is None or self.orientation is None or self.spacing is None:
            raise ValueError("this plane has no place in the patient")
        columns, rows = points[:, :1] - 0.5, points[:, 1:] - 0.5
        return np.asarray(
            self.position
            + columns * self.spacing[1] * self.orientation[0]
            + rows * self.spacing[0] * self.orientation[1]
        )


def planes_of(headers: Sequence[Dataset]) -> list[ImagePlane]:
    """The planes of one series as the image's slices follow one another.

    Parameters
    ----------
    headers
        Data sets without pixels: one multi-frame object, whose frames the reader has sorted along their normal
        where they have a place; else single frames in slice order already.

    Raises InputError for a position, orientation or spacing that is not as many numbers as it should be.
    """
    if len(headers) > 1:
        return [_classic(header, None) for header in headers]
    header = headers[0]
    if "NumberOfFrames" not in header:
        return [_classic(header, None)]
    count = int(header.NumberOfFrames or 1)
    # A reference without a frame number means the whole object, which one frame is.
    numbers = [None] if count == 1 else list(range(1, count + 1))
    groups = items(header, "PerFrameFunctionalGroupsSequence")
    if len(groups) != count:
        return [_classic(header, n) for n in numbers]
    shared = first_item(header, "SharedFunctionalGroupsSequence") or Dataset()
    planes = [_enhanced(header, n, group, shared) for n, group in zip(numbers, groups, strict=True)]
    heights = _heights(planes)
    return planes if heights is None else [planes[k] for k in np.argsort(heights, kind="stable")]


def _heights(planes: Sequence[ImagePlane]) -> NDArray[np.float64] | None:
    positions = [p.position for p in planes if p.position is not None]
    turned = planes[0].orientation
    if turned is None or len(positions) < len(planes):
        return None
    return np.asarray(np.array(positions) @ np.cross(turned[0], turned[1]))


def _classic(header: Dataset, frame: int | None) -> ImagePlane:
    spacing = floats(header, "PixelSpacing", 2, _name(header))
    # The one position of several frames without functional groups says nothing about most of them.
    place = header if frame is None else Dataset()
    return ImagePlane(header, frame, *_place(place, place, _name(header)), _positive(spacing))


def _enhanced(header: Dataset, frame: int | None, group: Dataset, shared: Dataset) -> ImagePlane:
    def part(keyword: str) -> Dataset:
        return first_item(group, keyword) or first_item(shared, keyword) or Dataset()

    name = _name(header)
    position, orientation = _place(part("PlanePositionSequence"), part("PlaneOrientationSequence"), name)
    spacing = _positive(floats(part("PixelMeasuresSequence"), "PixelSpacing", 2, name))
    return ImagePlane(header, frame, position, orientation, spacing)


def _place(
    positioned: Dataset, oriented: Dataset, name: str
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    position = floats(positioned, "ImagePositionPatient", 3, name)
    cosines = floats(oriented, "ImageOrientationPatient", 6, name)
    return position, None if cosines is None else cosines.reshape(2, 3)


def _name(header: Dataset) -> str:
    return f"instance {header.get('SOPInstanceUID', '')}"


def _positive(spacing: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
    return spacing if spacing is not None and (spacing > 0).all() else None
