"""A label for every voxel: one group a label, with its region in the SEG (TID 1410, 1411), else without (TID 1501)."""

from __future__ import annotations

from highdicom import sr
from pydicom.dataset import Dataset

from overread.clinic.results import codes
from overread.clinic.results.groups.shared import (
    Context,
    Group,
    algorithm_of,
    measurement_of,
    number_group,
    presence,
    tracking_of_label,
)
from overread.runtime.answer import LabelMap

NAMES = {
    "volume": codes.VOLUME,
    "area": codes.AREA,
    "count": codes.COUNT,
    "long axis": codes.LONG_AXIS,
    "short axis": codes.SHORT_AXIS,
    "max diameter": codes.MAX_DIAMETER,
    "surface": codes.SURFACE,
    "perimeter": codes.PERIMETER,
    "circumference": codes.CIRCUMFERENCE,
}


def label_map_groups(answer: LabelMap, context: Context) -> list[Group]:
    """A group for each label but the background, which is the first."""
    labels = context.package.manifest.labels[1:]
    return [_group(answer, label, number, context) for number, label in enumerate(labels, 1)]


def _group(answer: LabelMap, label: str, number: int, context: Context) -> Group:
    """One label: its measurements, and where it is (segment ``number``) or that it is absent.

    Where no SEG could be made, a label that was found is present all the same.
    """
    seg = context.seg
    category, kind = codes.segment_codes(label, context.label_codes.get(label))
    measured = [measurement_of(m, NAMES) for m in answer.measurements if m.label == label]
    # Reports of today's readers may not refer to a Label Map Segmentation: its tracking UIDs link the two.
    linked = seg is not None and seg.SegmentationType != "LABELMAP"
    frames = _frames_of_segment(seg, number) if seg is not None and linked else []
    tracking, algorithm = tracking_of_label(context, label), algorithm_of(context.package)
    if seg is None or not frames:
        return number_group(
            context,
            tracking,
            algorithm=algorithm,
            category=category,
            kind=kind,
            measurements=measured,
            evaluations=[presence(codes.PRESENT if (answer.mask == number).any() else codes.ABSENT)],
        )
    classes = {str(i.SOPInstanceUID): str(i.SOPClassUID) for i in context.images}
    references = [
        sr.SourceImageForSegmentation(classes[uid], uid) for uid in dict.fromkeys(u for _, u in frames)
    ]
    if answer.mask.ndim == 2:
        frame = sr.ReferencedSegmentationFrame(
            seg.SOPClassUID, seg.SOPInstanceUID, frames[0][0], number, references[0]
        )
        # A frame of a BINARY SEG has one segment; giving both numbers is forbidden (PS3.3 table 10-11).
        del frame[0].ReferencedSOPSequence[0].ReferencedSegmentNumber
        return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=tracking,
            referenced_segment=frame,
            finding_type=kind,
            finding_category=category,
            algorithm_id=algorithm,
            measurements=measured,
            qualitative_evaluations=[presence(codes.PRESENT)],
        )
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking,
        referenced_segment=sr.ReferencedSegment(
            seg.SOPClassUID, seg.SOPInstanceUID, number, source_images=references
        ),
        finding_type=kind,
        finding_category=category,
        algorithm_id=algorithm,
        measurements=measured,
        qualitative_evaluations=[presence(codes.PRESENT)],
    )


def _frames_of_segment(seg: Dataset, number: int) -> list[tuple[int, str]]:
    """Frame number in the SEG and SOP Instance UID of the image, for each frame of a segment."""
    out = []
    shared = seg.SharedFunctionalGroupsSequence[0]
    for n, group in enumerate(seg.PerFrameFunctionalGroupsSequence, 1):
        # A functional group that is equal in all frames may stand with the shared ones (PS3.3 C.7.6.16).
        identified = group if "SegmentIdentificationSequence" in group else shared
        if identified.SegmentIdentificationSequence[0].ReferencedSegmentNumber == number:
            source = group.DerivationImageSequence[0].SourceImageSequence[0]
            out.append((n, str(source.ReferencedSOPInstanceUID)))
    return out
