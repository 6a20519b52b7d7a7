"""Measurement groups of the report (TID 1410, 1411 and 1501): the outcome, the classes, each label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from highdicom import sr
from highdicom.sr import CodedConcept, RelationshipTypeValues
from highdicom.sr.coding import Code
from pydicom.dataset import Dataset

from overread.clinic.results import codes
from overread.clinic.results.codes import plain, private
from overread.clinic.results.seg import Codes, tracking_id, tracking_uid
from overread.clinic.results.source import MANUFACTURER, Run
from overread.runtime.package import Package
from overread.runtime.prediction import Measurement, Outcome, Prediction

Group = (
    sr.MeasurementsAndQualitativeEvaluations
    | sr.PlanarROIMeasurementsAndQualitativeEvaluations
    | sr.VolumetricROIMeasurementsAndQualitativeEvaluations
)


@dataclass(frozen=True)
class Failure:
    """Why there is no answer: a short stable code and a sentence."""

    code: str
    text: str


@dataclass(frozen=True)
class Context:
    """What every group of one report refers to. ``images`` are fitted for highdicom, without pixels."""

    package: Package
    images: Sequence[Dataset]
    run: Run
    algorithm: sr.AlgorithmIdentification
    seg: Dataset | None
    label_codes: Codes | None


def overall_group(answer: Prediction | Failure, context: Context) -> Group:
    """Whether the analysis was made, why not where it was not, and what is to be known about the input."""
    evaluations: list[sr.QualitativeEvaluation] = []
    comments: list[str] = []
    if isinstance(answer, Failure):
        status = codes.FAILED
        evaluations.append(
            sr.QualitativeEvaluation(
                codes.FAILURE_REASON, private("", answer.code, answer.code.replace("_", " ").lower())
            )
        )
        comments.append(answer.text)
    elif answer.outcome is Outcome.OUT_OF_LIMITS:
        status = codes.NOT_ATTEMPTED
        for breach in answer.breaches:
            meaning = f"{breach.code.replace('_', ' ').lower()} outside the package's limits"
            evaluations.append(
                sr.QualitativeEvaluation(codes.LIMIT_BROKEN, private("", breach.code, meaning))
            )
            comments.append(str(breach))
    else:
        status = codes.SUCCEEDED
    if isinstance(answer, Prediction):
        comments += answer.notes
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(context, "analysis"),
        algorithm_id=context.algorithm,
        qualitative_evaluations=[sr.QualitativeEvaluation(codes.SUMMARY, status), *evaluations],
        source_images=_sources(context),
    )
    for comment in comments:
        group[0].ContentSequence.append(
            sr.TextContentItem(codes.COMMENT, plain(comment, 1024), RelationshipTypeValues.CONTAINS)
        )
    return group


def classes_group(answer: Prediction, context: Context) -> Group:
    """The probability of each class with its interval, the decision, and the conformal set."""
    measured = []
    for label, score in answer.scores.items():
        low, high = answer.score_intervals.get(label, (None, None))
        name = private("P", label, f"Probability of {label}")
        measured.append(_measurement(name, score, low, high, "1", 0.9))
    evaluations = []
    if answer.label is not None:
        evaluations.append(sr.QualitativeEvaluation(codes.FINDING, private("", answer.label)))
    if answer.label_set and answer.set_coverage is not None:
        name = private(
            "SET", f"{answer.set_coverage:.0%}", f"Member of the {answer.set_coverage:.0%} prediction set"
        )
        evaluations += [sr.QualitativeEvaluation(name, private("", label)) for label in answer.label_set]
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(context, "classification"),
        algorithm_id=context.algorithm,
        measurements=measured,
        qualitative_evaluations=evaluations,
        source_images=_sources(context),
    )


def label_group(answer: Prediction, label: str, number: int, context: Context) -> Group:
    """One label of a mask: its measurements, and where it is (segment ``number``) or that it is absent."""
    package, run, seg = context.package, context.run, context.seg
    wanted = (context.label_codes or {}).get(label)
    assert answer.mask is not None
    category, kind = codes.segment_codes(label, wanted)
    measured = [_of_measurement(m) for m in answer.measurements if m.label == label]
    frames = [] if seg is None else _frames_of_segment(seg, number)
    tracking = sr.TrackingIdentifier(tracking_uid(run, label), tracking_id(package, label))
    present = sr.QualitativeEvaluation(codes.PRESENCE, codes.PRESENT if frames else codes.ABSENT)
    if seg is None or not frames:
        return sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=tracking,
            finding_type=kind,
            finding_category=category,
            algorithm_id=context.algorithm,
            measurements=measured,
            qualitative_evaluations=[present],
            source_images=_sources(context),
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
            algorithm_id=context.algorithm,
            measurements=measured,
            qualitative_evaluations=[present],
        )
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking,
        referenced_segment=sr.ReferencedSegment(
            seg.SOPClassUID, seg.SOPInstanceUID, number, source_images=references
        ),
        finding_type=kind,
        finding_category=category,
        algorithm_id=context.algorithm,
        measurements=measured,
        qualitative_evaluations=[present],
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


def _of_measurement(m: Measurement) -> sr.Measurement:
    names: dict[str, Code] = {"volume": codes.VOLUME, "area": codes.AREA, "count": codes.COUNT}
    return _measurement(
        names.get(m.name) or private("", m.name), m.value, m.low, m.high, m.unit, m.confidence
    )


def _measurement(
    name: Code | CodedConcept,
    value: float,
    low: float | None,
    high: float | None,
    unit: str,
    confidence: float,
) -> sr.Measurement:
    """A number with the limits of its prediction interval as numbers below it.

    TID 310's uncertainty items hold distances without a sign, which cannot say an interval that does not
    hold the estimate; limits can.
    """
    measured = sr.Measurement(name=name, value=_number(value), unit=codes.unit(unit))
    limits = [
        sr.NumContentItem(
            private(kind, f"{confidence:.0%}", f"{side} limit of {confidence:.0%} prediction interval"),
            _number(limit),
            codes.unit(unit),
            relationship_type=RelationshipTypeValues.HAS_PROPERTIES,
        )
        for kind, side, limit in (("LOWER", "Lower", low), ("UPPER", "Upper", high))
        if limit is not None
    ]
    if limits:
        measured[0].ContentSequence = sr.ContentSequence(limits)
    return measured


def _number(value: float) -> float:
    """Six significant digits: more would claim what no measurement holds, and DS has 16 characters."""
    return float(f"{value:.6g}")


def algorithm_of(package: Package) -> sr.AlgorithmIdentification:
    """TID 4019, with the package's hash and its threshold as parameters."""
    manifest = package.manifest
    parameters = [f"package sha256 {package.sha256}"]
    if manifest.operating_point is not None:
        point = manifest.operating_point
        parameters.append(
            f"threshold {point.threshold:.6g} on the probability of {manifest.positive}, rule: {point.rule}"
        )
    return sr.AlgorithmIdentification(
        name=plain(manifest.name, 64),
        version=plain(manifest.version, 64),
        parameters=[plain(p, 1024) for p in parameters],
        family=codes.ARTIFICIAL_INTELLIGENCE,
        manufacturer=MANUFACTURER,
    )


def _tracking(context: Context, what: str) -> sr.TrackingIdentifier:
    return sr.TrackingIdentifier(tracking_uid(context.run, f"\0{what}"), tracking_id(context.package, what))


def _sources(context: Context) -> list[sr.SourceImageForMeasurementGroup]:
    return [sr.SourceImageForMeasurementGroup(i.SOPClassUID, i.SOPInstanceUID) for i in context.images]
