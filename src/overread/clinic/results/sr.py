"""SR: Comprehensive 3D SR with an imaging measurement report, TID 1500 (PS3.16), for every outcome.

Each report begins with a group that says whether the analysis was made ("Summary of Analyses": Succeeded,
Not Attempted, Failed), so that "ran and found nothing" differs from "did not run".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from highdicom import sr
from highdicom.sr import CodedConcept, Comprehensive3DSR, RelationshipTypeValues
from highdicom.sr.coding import Code
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from overread.clinic.results import codes
from overread.clinic.results.codes import plain, private
from overread.clinic.results.seg import Codes, tracking_id, tracking_uid
from overread.clinic.results.source import (
    MANUFACTURER,
    MODEL,
    Run,
    equipment,
    finish,
    fit_for_highdicom,
    local_time,
)
from overread.clinic.results.uids import derived_uid
from overread.runtime.package import Package
from overread.runtime.prediction import Measurement, Outcome, Prediction

SERIES_NUMBER = 9001
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


def make_sr(
    answer: Prediction | Failure,
    package: Package,
    files: Sequence[Path],
    headers: Sequence[Dataset],
    run: Run,
    seg: Dataset | None = None,
    label_codes: Codes | None = None,
) -> Comprehensive3DSR:
    """The report of one run.

    Parameters
    ----------
    answer
        What the package answered, or why it could not.
    files, headers
        Every image that was used, those of the first channel first: as files and as data sets without pixels.
    seg
        The run's SEG where one was made; its segments are referred to.
    label_codes
        As for ``make_seg``.
    """
    fitted = [fit_for_highdicom(h) for h in headers]
    algorithm = _algorithm(package)
    groups: list[Group] = [_overall(answer, package, fitted, run, algorithm)]
    if isinstance(answer, Prediction) and answer.outcome is Outcome.OK:
        if answer.task == "classification":
            groups.append(_classes(answer, package, fitted, run, algorithm))
        else:
            groups += [
                _label(
                    answer,
                    label,
                    number,
                    package,
                    fitted,
                    run,
                    algorithm,
                    seg,
                    (label_codes or {}).get(label),
                )
                for number, label in enumerate(package.manifest.labels[1:], 1)
            ]
    report = sr.MeasurementReport(
        observation_context=_observation_context(run, package),
        procedure_reported=_procedures(headers[0]),
        imaging_measurements=groups,
    )
    when = local_time(run.time, headers[0])
    result = Comprehensive3DSR(
        evidence=fitted + ([seg] if seg is not None else []),
        content=report,
        series_instance_uid=derived_uid(run.key, "SR series"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=derived_uid(run.key, "SR"),
        instance_number=1,
        is_complete=isinstance(answer, Prediction),
        is_final=False,
        is_verified=False,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        content_date=when.date(),
        content_time=when.time().replace(microsecond=0),
        **equipment(package, run),
    )
    finish(result, files[0], run, headers)
    return result


def _overall(
    answer: Prediction | Failure,
    package: Package,
    images: Sequence[Dataset],
    run: Run,
    algorithm: sr.AlgorithmIdentification,
) -> Group:
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
        tracking_identifier=_tracking(run, package, "analysis"),
        algorithm_id=algorithm,
        qualitative_evaluations=[sr.QualitativeEvaluation(codes.SUMMARY, status), *evaluations],
        source_images=_sources(images),
    )
    for comment in comments:
        group[0].ContentSequence.append(
            sr.TextContentItem(codes.COMMENT, plain(comment, 1024), RelationshipTypeValues.CONTAINS)
        )
    return group


def _classes(
    answer: Prediction,
    package: Package,
    images: Sequence[Dataset],
    run: Run,
    algorithm: sr.AlgorithmIdentification,
) -> Group:
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
        tracking_identifier=_tracking(run, package, "classification"),
        algorithm_id=algorithm,
        measurements=measured,
        qualitative_evaluations=evaluations,
        source_images=_sources(images),
    )


def _label(
    answer: Prediction,
    label: str,
    number: int,
    package: Package,
    images: Sequence[Dataset],
    run: Run,
    algorithm: sr.AlgorithmIdentification,
    seg: Dataset | None,
    wanted: tuple[Code, Code] | None,
) -> Group:
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
            algorithm_id=algorithm,
            measurements=measured,
            qualitative_evaluations=[present],
            source_images=_sources(images),
        )
    classes = {str(i.SOPInstanceUID): str(i.SOPClassUID) for i in images}
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
            qualitative_evaluations=[present],
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
        qualitative_evaluations=[present],
    )


def _frames_of_segment(seg: Dataset, number: int) -> list[tuple[int, str]]:
    """Frame number in the SEG and SOP Instance UID of the image, for each frame of a segment."""
    out = []
    for n, group in enumerate(seg.PerFrameFunctionalGroupsSequence, 1):
        if group.SegmentIdentificationSequence[0].ReferencedSegmentNumber == number:
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


def _algorithm(package: Package) -> sr.AlgorithmIdentification:
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


def _tracking(run: Run, package: Package, what: str) -> sr.TrackingIdentifier:
    return sr.TrackingIdentifier(tracking_uid(run, f"\0{what}"), tracking_id(package, what))


def _sources(images: Sequence[Dataset]) -> list[sr.SourceImageForMeasurementGroup]:
    return [sr.SourceImageForMeasurementGroup(i.SOPClassUID, i.SOPInstanceUID) for i in images]


def _observation_context(run: Run, package: Package) -> sr.ObservationContext:
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=derived_uid("device", run.serial_number),
        name=plain(f"{package.manifest.name} {package.manifest.version}", 64),
        manufacturer_name=MANUFACTURER,
        model_name=MODEL,
        serial_number=run.serial_number,
    )
    context = sr.ObserverContext(
        observer_type=CodedConcept.from_code(codes.DEVICE), observer_identifying_attributes=device
    )
    return sr.ObservationContext(observer_device_context=context)


def _procedures(header: Dataset) -> list[Code | CodedConcept]:
    """The procedures that the source names, else one by its modality."""
    found: list[Code | CodedConcept] = []
    for item in header.get("ProcedureCodeSequence") or []:
        values = [str(item.get(k, "") or "") for k in ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")]
        if all(values):
            found.append(
                CodedConcept(values[0], values[1], values[2], item.get("CodingSchemeVersion") or None)
            )
    return found or [codes.PROCEDURES.get(str(header.get("Modality", "")), codes.IMAGING)]
