"""Sources as highdicom wants them for a SEG, whatever the images leave out.

highdicom takes a source's geometry from attributes that its kind of object must have, and knows which those are only
for the standard's kinds. The reader needs less: a series is read without a slice thickness, without a frame of
reference, with orientations that differ in the last digits, or as an object of a private class. So highdicom is given
stand-ins that say what the reader understood, and `name_sources` writes the true kinds into the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedMRImageStorage, SecondaryCaptureImageStorage
from pydicom.valuerep import DSfloat

from overread.clinic.results.planes import ImagePlane
from overread.clinic.results.source import fit_for_highdicom
from overread.clinic.results.uids import derived_uid
from overread.errors import InputError
from overread.imaging.dicom.values import first_item, floats, items

GEOMETRY = (
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "NumberOfFrames",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)


def as_evidence(headers: Sequence[Dataset]) -> list[Dataset]:
    """Stand-ins for images of any kind that a report refers to; `name_sources` is to follow."""
    out = [fit_for_highdicom(h) for h in headers]
    for dataset in out:
        dataset.SOPClassUID = SecondaryCaptureImageStorage
    return out


def stand_ins(headers: Sequence[Dataset], planes: Sequence[ImagePlane]) -> list[Dataset]:
    """Stand-ins for the images of one series, in the order given.

    Parameters
    ----------
    headers
        The series in slice order, as data sets without pixel data.
    planes
        Its planes, see `overread.clinic.results.planes.planes_of`.

    Raises
    ------
    InputError
        Several frames without a place in the patient: a SEG's frames could not say which of them they belong to.
    """
    placed = all(
        p.position is not None and p.orientation is not None and p.spacing is not None for p in planes
    )
    if not placed and len(planes) > 1:
        raise InputError(
            f"series {headers[0].SeriesInstanceUID}: {len(planes)} frames without position, orientation and pixel "
            "spacing in the patient; a SEG cannot refer to them"
        )
    if len(headers) == 1 and len(planes) > 1:
        return [_of_frames(headers[0], planes)]
    thickness = _thickness(planes)
    # One plane without thickness cannot be placed: Slice Thickness is needed with a frame of reference (C.7.6.16.2.1).
    frame = _frame_of_reference(headers[0]) if placed and thickness is not None else ""
    return [_of_plane(p, planes[0], frame, thickness) for p in planes]


def name_sources(result: Dataset, headers: Sequence[Dataset]) -> None:
    """Put the true SOP Class UIDs of the images wherever ``result`` refers to one."""
    classes = {str(h.SOPInstanceUID): h.SOPClassUID for h in headers}
    for item in _references(result):
        kind = classes.get(str(item.get("ReferencedSOPInstanceUID", "")))
        if kind is not None:
            item.ReferencedSOPClassUID = kind


def _references(dataset: Dataset) -> Iterator[Dataset]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                if "ReferencedSOPInstanceUID" in item:
                    yield item
                yield from _references(item)


def _of_plane(plane: ImagePlane, first: ImagePlane, frame: str, thickness: float | None) -> Dataset:
    out = _without_geometry(plane.header)
    out.SOPClassUID = SecondaryCaptureImageStorage
    if plane.spacing is not None:
        out.PixelSpacing = _decimals(plane.spacing)
    if frame and first.orientation is not None and plane.position is not None and thickness is not None:
        out.FrameOfReferenceUID = frame
        out.ImagePositionPatient = _decimals(plane.position)
        # One orientation: the reader has seen that they are alike but for rounding.
        out.ImageOrientationPatient = _decimals(first.orientation)
        out.SliceThickness = _decimal(thickness)
    elif "FrameOfReferenceUID" in out:
        # Without a place in it, the frames lie on the image's pixels and nowhere else (PS3.3 C.8.20.2).
        del out.FrameOfReferenceUID
    return out


def _of_frames(header: Dataset, planes: Sequence[ImagePlane]) -> Dataset:
    out = _without_geometry(header)
    out.SOPClassUID = EnhancedMRImageStorage
    out.FrameOfReferenceUID = _frame_of_reference(header)
    out.NumberOfFrames = len(planes)
    first = planes[0]
    assert first.orientation is not None and first.spacing is not None
    orientation, measures, shared = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = _decimals(first.orientation)
    measures.PixelSpacing = _decimals(first.spacing)
    thickness = _thickness(planes)
    if thickness is not None:
        measures.SliceThickness = _decimal(thickness)
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    out.SharedFunctionalGroupsSequence = [shared]
    groups = []
    for plane in sorted(planes, key=lambda p: p.frame or 0):
        assert plane.position is not None
        position, group = Dataset(), Dataset()
        position.ImagePositionPatient = _decimals(plane.position)
        group.PlanePositionSequence = [position]
        groups.append(group)
    out.PerFrameFunctionalGroupsSequence = groups
    return out


def _without_geometry(header: Dataset) -> Dataset:
    out = fit_for_highdicom(header)
    for keyword in GEOMETRY:
        if keyword in out:
            delattr(out, keyword)
    return out


def _frame_of_reference(header: Dataset) -> str:
    """The source's, else one of this series alone: its slices do lie in one frame, of which nothing else is known."""
    stated = str(header.get("FrameOfReferenceUID", "") or "")
    return stated or str(derived_uid(str(header.SeriesInstanceUID), "frame of reference"))


def _thickness(planes: Sequence[ImagePlane]) -> float | None:
    """Slice thickness, mm: as stated, else the distance of the slices, else None (a projection has none)."""
    for part in _stated(planes[0]):
        for keyword in (
            ("SliceThickness", "SpacingBetweenSlices") if len(planes) == 1 else ("SliceThickness",)
        ):
            found = floats(part, keyword, 1, f"instance {planes[0].header.SOPInstanceUID}")
            if found is not None and found[0] > 0:
                return float(found[0])
    positions = [p.position for p in planes if p.position is not None]
    turned = planes[0].orientation
    if turned is None or len(positions) < 2:
        return None
    heights = np.sort(np.array(positions) @ np.cross(turned[0], turned[1]))
    distance = float(np.median(np.diff(heights)))
    return distance if distance > 0 else None


def _stated(plane: ImagePlane) -> Iterator[Dataset]:
    """Where a slice thickness may stand: the data set itself, or Pixel Measures."""
    yield plane.header
    shared = first_item(plane.header, "SharedFunctionalGroupsSequence")
    groups = items(plane.header, "PerFrameFunctionalGroupsSequence")
    own = groups[(plane.frame or 1) - 1] if len(groups) >= (plane.frame or 1) else None
    for group in (own, shared):
        measures = None if group is None else first_item(group, "PixelMeasuresSequence")
        if measures is not None:
            yield measures


def _decimals(values: np.ndarray) -> list[DSfloat]:
    return [_decimal(v) for v in values.ravel()]


def _decimal(value: float) -> DSfloat:
    """A number as Decimal String: 16 characters at most (PS3.5 section 6.2)."""
    return DSfloat(float(value), auto_format=True)
