"""Planes: every frame of every data set with where it lies in the patient, before any pixel is decoded.

Source: PS3.3 C.7.6.2 (Image Plane), C.10.7 and 10.7.1.3 (pixel spacing and its calibration),
C.7.6.16 (Multi-frame Functional Groups).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from overread.errors import InputError
from overread.imaging.dicom_files import Instance, reading
from overread.imaging.dicom_values import first_item, floats, integer, text

REFUSED = {
    "1.2.840.10008.5.1.4.1.1.66.4": "a Segmentation, not an image",
    "1.2.840.10008.5.1.4.1.1.66.7": "a Label Map Segmentation, not an image",
    "1.2.840.10008.5.1.4.1.1.481.2": "an RT Dose, not an image",
    "1.2.840.10008.5.1.4.1.1.77.1.6": "a Whole Slide image of tiles",
}
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Plane:
    """One frame. ``position`` (3,) and ``orientation`` (2, 3): LPS mm and direction cosines, as in the file.

    ``spacing`` is (between rows, between columns) in mm; ``slope`` and ``intercept`` as in
    PS3.3 C.11.1.1.2; ``notes`` says what was assumed about the spacing.
    """

    name: str
    uid: str
    dataset: Dataset
    frame: int
    shape: tuple[int, int]
    position: NDArray[np.float64] | None
    orientation: NDArray[np.float64] | None
    spacing: tuple[float, float] | None
    thickness: float | None
    slope: float
    intercept: float
    notes: tuple[str, ...] = ()


def planes_of(instances: Sequence[Instance]) -> list[Plane]:
    """The planes of all data sets in the order given. Raises InputError on anything that is not an image."""
    planes = []
    for instance in instances:
        with reading(instance.name):
            planes += _planes(instance)
    return planes


def _planes(instance: Instance) -> list[Plane]:
    name, dataset = instance.name, instance.dataset
    refused = REFUSED.get(text(dataset, "SOPClassUID"))
    if refused:
        raise InputError(f"{name}: is {refused}; give the images it was made from")
    if not any(keyword in dataset for keyword in PIXELS):
        kind = text(dataset, "Modality") or "unknown modality"
        raise InputError(f"{name}: has no pixel data ({kind}); the file is not an image or was cut short")
    frames = integer(dataset, "NumberOfFrames", name, default=1)
    if frames < 1:
        raise InputError(f"{name}: NumberOfFrames is {frames}, expected 1 or more")
    groups = dataset.get("PerFrameFunctionalGroupsSequence")
    if groups:
        if len(groups) != frames:
            raise InputError(f"{name}: has {frames} frames but {len(groups)} per-frame functional groups")
        shared = first_item(dataset, "SharedFunctionalGroupsSequence") or Dataset()
        return [_enhanced(name, dataset, n, frames, group, shared) for n, group in enumerate(groups)]
    if frames > 1:
        raise InputError(
            f"{name}: has {frames} frames without plane positions (a cine or other multi-frame image); "
            "only single frames and multi-frame volumes with plane positions are supported"
        )
    spacing, notes = _spacing(dataset, name)
    return [
        _plane(
            name,
            dataset,
            0,
            dataset,
            dataset,
            spacing,
            notes,
            _number(dataset, "SliceThickness", name),
            dataset,
        )
    ]


def _enhanced(name: str, dataset: Dataset, n: int, frames: int, group: Dataset, shared: Dataset) -> Plane:
    def part(keyword: str) -> Dataset:
        return first_item(group, keyword) or first_item(shared, keyword) or Dataset()

    where = f"{name} frame {n + 1}"
    position = part("PlanePositionSequence")
    if frames > 1 and "ImagePositionPatient" not in position:
        raise InputError(
            f"{where}: has no plane position; only multi-frame volumes with plane positions are supported"
        )
    measures = part("PixelMeasuresSequence")
    pixel = floats(measures, "PixelSpacing", 2, where)
    spacing, notes = (
        ((float(pixel[0]), float(pixel[1])), ()) if pixel is not None else _spacing(dataset, where)
    )
    thickness = _number(measures, "SliceThickness", where)
    orientation, value = part("PlaneOrientationSequence"), part("PixelValueTransformationSequence")
    return _plane(where, dataset, n, position, orientation, spacing, notes, thickness, value)


def _plane(
    name: str,
    dataset: Dataset,
    frame: int,
    position: Dataset,
    orientation: Dataset,
    spacing: tuple[float, float] | None,
    notes: tuple[str, ...],
    thickness: float | None,
    value: Dataset,
) -> Plane:
    shape = (integer(dataset, "Rows", name), integer(dataset, "Columns", name))
    if min(shape) < 1:
        raise InputError(f"{name}: Rows x Columns is {shape[0]} x {shape[1]}, expected 1 or more each")
    slope, intercept = _number(value, "RescaleSlope", name), _number(value, "RescaleIntercept", name)
    if slope == 0:
        raise InputError(f"{name}: RescaleSlope is 0, which would erase the image")
    return Plane(
        name=name,
        uid=text(dataset, "SOPInstanceUID"),
        dataset=dataset,
        frame=frame,
        shape=shape,
        position=floats(position, "ImagePositionPatient", 3, name),
        orientation=_orientation(orientation, name),
        spacing=spacing,
        thickness=thickness,
        slope=1.0 if slope is None else slope,
        intercept=0.0 if intercept is None else intercept,
        notes=notes,
    )


def _number(dataset: Dataset, keyword: str, name: str) -> float | None:
    found = floats(dataset, keyword, 1, name)
    return None if found is None else float(found[0])


def _orientation(dataset: Dataset, name: str) -> NDArray[np.float64] | None:
    cosines = floats(dataset, "ImageOrientationPatient", 6, name)
    if cosines is None:
        return None
    axes = cosines.reshape(2, 3)
    if np.abs(axes @ axes.T - np.eye(2)).max() > UNIT_TOLERANCE:
        raise InputError(
            f"{name}: ImageOrientationPatient {cosines.tolist()} is not two perpendicular unit vectors"
        )
    return axes


def _spacing(dataset: Dataset, name: str) -> tuple[tuple[float, float] | None, tuple[str, ...]]:
    """Spacing of the pixels, mm, from the best attribute present; a note where it is not the patient's."""
    remarks = {
        "PixelSpacing": "",
        "ImagerPixelSpacing": "pixel spacing is ImagerPixelSpacing, at the detector, not in the patient",
        "NominalScannedPixelSpacing": "pixel spacing is NominalScannedPixelSpacing, of the digitised film",
    }
    notes: list[str] = []
    for keyword, remark in remarks.items():
        found = floats(dataset, keyword, 2, name)
        if found is None:
            continue
        if found.min() > 0:
            return (float(found[0]), float(found[1])), (*notes, *([remark] if remark else []))
        notes.append(f"{keyword} {found.tolist()} is not positive and was not used")
    return None, tuple(notes)
