"""Planes: every frame of every data set with where it lies in the patient, before any pixel is decoded.

Source: PS3.3 C.7.6.2 (Image Plane), C.7.6.16 (Multi-frame Functional Groups), C.8.8.3 (RT Dose),
C.8.4.15 (NM reconstruction).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from overread.errors import InputError
from overread.imaging.dicom.files import reading, transfer_syntax
from overread.imaging.dicom.instance import Instance, Place
from overread.imaging.dicom.spacing import Spacing, pixel_spacing
from overread.imaging.dicom.values import first_item, floats, integer, items, number, raw_value, text

SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
RT_DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
NM = "1.2.840.10008.5.1.4.1.1.20"
SLICE_VECTOR = 0x00540080
"""Frame Increment Pointer of a reconstruction whose frames are slices and nothing else."""
DIRECTORY = "1.2.840.10008.1.3.10"
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
UNIT_TOLERANCE = 1e-3
BITS_PER_FRAME = 64
"""A compressed frame takes at least the header of one item."""


@dataclass(frozen=True)
class Plane:
    """One frame. ``position`` (3,) and ``orientation`` (2, 3): LPS mm and direction cosines, as in the file.

    ``slope`` and ``intercept`` as in PS3.3 C.11.1.1.2; ``groups`` are the data sets that tell of this very
    frame, the most particular first; ``place`` says where in a file its uncompressed pixels lie, where they
    were left there.
    """

    name: str
    uid: str
    dataset: Dataset
    frame: int
    shape: tuple[int, int]
    position: NDArray[np.float64] | None
    orientation: NDArray[np.float64] | None
    spacing: Spacing
    thickness: float | None
    slope: float
    intercept: float
    groups: tuple[Dataset, ...]
    place: Place | None = None


def planes_of(instances: Sequence[Instance]) -> list[Plane]:
    """The planes of all data sets in the order given. Raises InputError on anything that is not an image."""
    planes = []
    for instance in instances:
        with reading(instance.name):
            planes += _planes(instance)
    return planes


def _planes(instance: Instance) -> list[Plane]:
    name, dataset = instance.name, instance.dataset
    sop_class = text(dataset, "SOPClassUID")
    if sop_class == SLIDE:
        raise InputError(
            f"{name}: is a Whole Slide image of tiles; read it in parts by overread.imaging.read_slide"
        )
    if instance.place is None and not any(keyword in dataset for keyword in PIXELS):
        raise InputError(f"{name}: {_what(dataset, sop_class)}")
    if "MOSAIC" in text(dataset, "ImageType").split("\\"):
        raise InputError(
            f"{name}: is a Siemens mosaic, the slices of a volume as tiles of one picture; "
            "export it as enhanced or single-slice DICOM, or convert it to NIfTI by dcm2niix"
        )
    frames = integer(dataset, "NumberOfFrames", name, default=1)
    if frames < 1:
        raise InputError(f"{name}: NumberOfFrames is {frames}, expected 1 or more")
    if frames == 1 and instance.place is not None:
        return [_classic(instance, 0, floats(dataset, "ImagePositionPatient", 3, name))]
    groups = items(dataset, "PerFrameFunctionalGroupsSequence")
    if groups:
        if len(groups) != frames:
            raise InputError(f"{name}: has {frames} frames but {len(groups)} per-frame functional groups")
        shared = first_item(dataset, "SharedFunctionalGroupsSequence") or Dataset()
        planes = [_enhanced(name, dataset, n, group, shared) for n, group in enumerate(groups)]
        return planes if all(p.position is not None for p in planes) else [_adrift(p) for p in planes]
    _check_frames(dataset, frames, name)
    return [_classic(instance, n, p) for n, p in enumerate(_positions(dataset, sop_class, frames, name))]


def _what(dataset: Dataset, sop_class: str) -> str:
    if sop_class == DIRECTORY or "DirectoryRecordSequence" in dataset:
        return "is a DICOMDIR, the index of a medium; give the folder of the images instead"
    kind = text(dataset, "Modality") or "unknown modality"
    return f"has no pixel data ({kind}); the file is not an image or was cut short"


def _check_frames(dataset: Dataset, frames: int, name: str) -> None:
    """Refuse more frames than the pixel data can hold, before anything is made for each of them."""
    if frames == 1:
        return
    keyword = next(k for k in PIXELS if k in dataset)
    found = raw_value(dataset, keyword)
    size = len(found[0] if found else dataset[keyword].value or b"")
    bits = BITS_PER_FRAME
    if not transfer_syntax(dataset, name).is_encapsulated:
        shape = (integer(dataset, k, name) for k in ("Rows", "Columns", "BitsAllocated"))
        bits = math.prod(shape) * integer(dataset, "SamplesPerPixel", name, default=1)
    if frames > 1 + size * 8 // max(1, bits):
        raise InputError(
            f"{name}: pixel data is truncated: {size} bytes cannot hold {frames} frames; send it again"
        )


def _positions(dataset: Dataset, sop_class: str, frames: int, name: str) -> list[NDArray[np.float64] | None]:
    """Where each frame of a data set without per-frame functional groups begins; None where it is not told."""
    first = floats(dataset, "ImagePositionPatient", 3, name)
    if frames == 1:
        return [first]
    if sop_class == RT_DOSE or text(dataset, "Modality") == "RTDOSE":
        offsets = floats(dataset, "GridFrameOffsetVector", frames, name)
        axes = _orientation(dataset, name)
        if first is None or axes is None or offsets is None:
            raise InputError(
                f"{name}: RT Dose of {frames} frames without ImagePositionPatient, ImageOrientationPatient and "
                "GridFrameOffsetVector; its planes have no place"
            )
        normal = np.cross(axes[0], axes[1])
        if abs(offsets[0]) > UNIT_TOLERANCE:
            # PS3.3 C.8.8.3.2: a first element other than 0 is the third coordinate itself, of axial planes.
            if abs(offsets[0] - first[2]) > UNIT_TOLERANCE or abs(normal[2]) < 1 - UNIT_TOLERANCE:
                raise InputError(
                    f"{name}: GridFrameOffsetVector begins with {offsets[0]}, expected 0 or, in axial planes, "
                    f"the third coordinate of ImagePositionPatient, {first[2]}"
                )
            return [np.array([first[0], first[1], z]) for z in offsets]
        return [first + z * normal for z in offsets]
    detector = first_item(dataset, "DetectorInformationSequence") if sop_class == NM else None
    if detector is not None and dataset.get("FrameIncrementPointer") == SLICE_VECTOR:
        first = floats(detector, "ImagePositionPatient", 3, name)
        axes = _orientation(detector, name)
        step = number(dataset, "SpacingBetweenSlices", name) or number(dataset, "SliceThickness", name)
        if first is not None and axes is not None and step:
            return [first + k * step * np.cross(axes[0], axes[1]) for k in range(frames)]
    return [None] * frames


def _classic(instance: Instance, frame: int, position: NDArray[np.float64] | None) -> Plane:
    name, dataset = instance.name, instance.dataset
    frames = integer(dataset, "NumberOfFrames", name, default=1)
    where = name if frames == 1 else f"{name} frame {frame + 1}"
    orientation = _orientation(dataset, name)
    if orientation is None and (detector := first_item(dataset, "DetectorInformationSequence")) is not None:
        orientation = _orientation(detector, name)
    shared = first_item(dataset, "SharedFunctionalGroupsSequence") if frames > 1 else None
    measures = None if shared is None else first_item(shared, "PixelMeasuresSequence")
    return _plane(
        where,
        instance,
        frame,
        position,
        orientation if position is not None or frames == 1 else None,
        pixel_spacing(dataset if measures is None else measures, dataset, name),
        number(dataset, "SliceThickness", name),
        dataset,
        (dataset,),
    )


def _enhanced(name: str, dataset: Dataset, n: int, group: Dataset, shared: Dataset) -> Plane:
    def part(keyword: str) -> Dataset:
        return first_item(group, keyword) or first_item(shared, keyword) or Dataset()

    where = f"{name} frame {n + 1}"
    measures = part("PixelMeasuresSequence")
    return _plane(
        where,
        Instance(name, dataset),
        n,
        floats(part("PlanePositionSequence"), "ImagePositionPatient", 3, where),
        _orientation(part("PlaneOrientationSequence"), where),
        pixel_spacing(measures, dataset, where),
        number(measures, "SliceThickness", where),
        part("PixelValueTransformationSequence") or dataset,
        (group, shared, dataset),
    )


def _adrift(plane: Plane) -> Plane:
    """The plane without place: some frame of its data set has none, so that none of them can be used."""
    return replace(plane, position=None, orientation=None)


def _plane(
    name: str,
    instance: Instance,
    frame: int,
    position: NDArray[np.float64] | None,
    orientation: NDArray[np.float64] | None,
    spacing: Spacing,
    thickness: float | None,
    value: Dataset,
    groups: tuple[Dataset, ...],
) -> Plane:
    dataset = instance.dataset
    shape = integer(dataset, "Rows", name), integer(dataset, "Columns", name)
    if min(shape) < 1:
        raise InputError(f"{name}: Rows x Columns is {shape[0]} x {shape[1]}, expected 1 or more of each")
    slope, intercept = number(value, "RescaleSlope", name), number(value, "RescaleIntercept", name)
    if slope is None and text(dataset, "Modality") == "RTDOSE":
        slope = number(dataset, "DoseGridScaling", name)
    if slope == 0:
        raise InputError(f"{name}: RescaleSlope is 0, which would erase the image")
    return Plane(
        name=name,
        uid=text(dataset, "SOPInstanceUID"),
        dataset=dataset,
        frame=frame,
        shape=shape,
        position=position,
        orientation=orientation,
        spacing=spacing,
        thickness=thickness,
        slope=1.0 if slope is None else slope,
        intercept=0.0 if intercept is None else intercept,
        groups=groups,
        place=instance.place,
    )


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
