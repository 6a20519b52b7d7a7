"""Boxes around what was found: how many of each label (TID 1501), and each object with its place.

In one picture: a rectangle in pixels of the image (SCOORD, TID 1410). In a volume: the rectangle that the box cuts
out of every slice whose middle it holds, in mm of the patient (SCOORD3D): a Volume Surface (TID 1411), or one
planar region (TID 1410) where it holds a single slice. A volume without a frame of reference has no such mm:
there the rectangles are in pixels of the slices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from highdicom import sr
from highdicom.sr.coding import Code
from numpy.typing import NDArray

from overread.clinic.results import codes
from overread.clinic.results.groups.shared import (
    Context,
    Group,
    algorithm_of,
    measurement,
    measurement_of,
    number_group,
    presence,
    tracking_of_group,
    tracking_of_label,
)
from overread.clinic.results.planes import ImagePlane, planes_of
from overread.errors import InputError
from overread.runtime.answer import Measurement, Objects

NAMES = {"count": codes.OBJECTS}


def objects_groups(answer: Objects, context: Context) -> list[Group]:
    """How many objects of each label, 0 too, then one group an object, best score first.

    Raises InputError where the boxes lie on another grid than the images: a report cannot refer to them.
    """
    counts = [_count(answer, label, context) for label in answer.labels]
    if not len(answer.boxes):
        return counts
    planes, spatial = planes_of(context.first), context.spatial
    if len(planes) != (spatial[2] if answer.boxes.axes == 3 else 1):
        raise InputError(
            f"series {context.first[0].SeriesInstanceUID}: the boxes lie on a grid of "
            f"{' x '.join(map(str, spatial))} voxels, the images have {len(planes)} planes (repeated planes?); "
            "a report cannot refer to them"
        )
    return counts + [_object(answer, n, planes, context) for n in range(len(answer.boxes))]


def _count(answer: Objects, label: str, context: Context) -> Group:
    category, kind = codes.finding_codes(label, context.label_codes.get(label))
    found = int((answer.boxes.labels == answer.labels.index(label)).sum())
    measured = [m for m in answer.measurements if m.label == label]
    if not any(m.name == "count" for m in measured):
        measured.append(Measurement(label, "count", found, None, None, "1"))
    return number_group(
        context,
        tracking_of_label(context, label),
        algorithm=algorithm_of(context.package, [label]),
        category=category,
        kind=kind,
        measurements=[measurement_of(m, NAMES) for m in measured],
        evaluations=[presence(_decision(answer, label, found))],
    )


def _object(answer: Objects, n: int, planes: Sequence[ImagePlane], context: Context) -> Group:
    label = answer.labels[int(answer.boxes.labels[n])]
    category, kind = codes.finding_codes(label, context.label_codes.get(label))
    common: dict[str, Any] = {
        # By its place in the answer, which one run always gives alike.
        "tracking_identifier": tracking_of_group(context, f"object {n + 1}", shown=f"{label} {n + 1}"),
        "finding_type": kind,
        "finding_category": category,
        "algorithm_id": algorithm_of(context.package, [label]),
        "measurements": [
            measurement(codes.SCORE, float(answer.boxes.scores[n]), None, None, "1", confidence=0.9)
        ],
        "qualitative_evaluations": [presence(_decision(answer, label, 1))],
        "geometric_purpose": codes.BOUNDED_BY,
    }
    low, high = answer.boxes.low[n], answer.boxes.high[n]
    if answer.boxes.axes == 2:
        # (row, column) to (column, row).
        region = _region(planes[0], low[::-1], high[::-1])
        return sr.PlanarROIMeasurementsAndQualitativeEvaluations(referenced_region=region, **common)
    cut = [planes[k] for k in slices_of(low[2], high[2], len(planes))]
    frames = {plane.frame_of_reference for plane in cut}
    frame = frames.pop() if len(frames) == 1 else ""
    if not frame:
        regions = [_region(plane, low[:2], high[:2]) for plane in cut]
        return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_regions=regions, **common)
    corners = [plane.in_patient(rectangle(low[:2], high[:2])) for plane in cut]
    if len(cut) == 1:
        planar = sr.ImageRegion3D(sr.GraphicTypeValues3D.POLYGON, corners[0], frame)
        return sr.PlanarROIMeasurementsAndQualitativeEvaluations(referenced_region=planar, **common)
    surface = sr.VolumeSurface(
        sr.GraphicTypeValues3D.POLYGON,
        corners,
        frame,
        source_images=[
            sr.SourceImageForSegmentation(
                p.header.SOPClassUID, p.header.SOPInstanceUID, None if p.frame is None else [p.frame]
            )
            for p in cut
        ],
    )
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_volume_surface=surface, **common)


def _decision(answer: Objects, label: str, found: int) -> Code:
    # A label without an operating point shows all its candidates, and nobody has decided about them.
    if label not in answer.thresholds:
        return codes.UNDETERMINED
    return codes.PRESENT if found else codes.ABSENT


def slices_of(low: float, high: float, count: int) -> list[int]:
    """The slices of ``count`` whose middle lies from ``low`` to ``high``, in voxels counted from the first one's edge.

    Where it is none, the one that holds the middle of the box.
    """
    held = [k for k in range(count) if low <= k + 0.5 < high]
    return held or [int(np.clip(np.floor((low + high) / 2), 0, count - 1))]


def rectangle(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(5, 2)``: the corners ``(column, row)`` from the upper left one round and back to it.

    PS3.3 C.18.6.1.1 counts as our boxes do: 0\\0 is the upper left corner of the upper left pixel.
    """
    (c0, r0), (c1, r1) = low, high
    return np.array([[c0, r0], [c1, r0], [c1, r1], [c0, r1], [c0, r0]], np.float64)


def _region(plane: ImagePlane, low: NDArray[np.float64], high: NDArray[np.float64]) -> sr.ImageRegion:
    header = plane.header
    # Coordinates beyond the image are not allowed (PS3.3 C.18.6.1.1).
    size = np.array([header.Columns, header.Rows], np.float64)
    points = np.clip(rectangle(low, high), 0, size)
    frames = None if plane.frame is None else [plane.frame]
    source = sr.SourceImageForRegion(header.SOPClassUID, header.SOPInstanceUID, frames)
    return sr.ImageRegion(sr.GraphicTypeValues.POLYLINE, points, source)
