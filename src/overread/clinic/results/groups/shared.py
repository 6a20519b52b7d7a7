"""What the groups of all answers have in common: context, numbers with their limits, algorithm, tracking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from highdicom import sr
from highdicom.sr import CodedConcept, RelationshipTypeValues
from highdicom.sr.coding import Code
from pydicom.dataset import Dataset

from overread.clinic.results import codes
from overread.clinic.results.codes import LabelCodes, plain, private
from overread.clinic.results.seg import tracking_id, tracking_uid
from overread.clinic.results.source import MANUFACTURER, Run
from overread.runtime.answer import Measurement
from overread.runtime.package import Package
from overread.task import TASKS

Group: TypeAlias = (
    sr.MeasurementsAndQualitativeEvaluations
    | sr.PlanarROIMeasurementsAndQualitativeEvaluations
    | sr.VolumetricROIMeasurementsAndQualitativeEvaluations
)


@dataclass(frozen=True)
class Context:
    """What every group of one report refers to.

    Attributes
    ----------
    images
        Every image that was used, fitted for highdicom, without pixels; those of the first channel first.
    first
        Those of the first channel alone, in the image's slice order.
    spatial
        Size of the image that was answered, in voxels; empty where there was none.
    seg
        The run's SEG where one was made.
    label_codes
        Category and type of labels as the route gives them.
    remarks
        Sentences for the reader besides the result's own.
    """

    package: Package
    images: Sequence[Dataset]
    first: Sequence[Dataset]
    spatial: tuple[int, ...]
    run: Run
    seg: Dataset | None = None
    label_codes: LabelCodes = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def number_group(
    context: Context,
    tracking: sr.TrackingIdentifier,
    *,
    algorithm: sr.AlgorithmIdentification,
    measurements: Sequence[sr.Measurement] = (),
    evaluations: Sequence[sr.QualitativeEvaluation] = (),
    category: Code | None = None,
    kind: Code | None = None,
) -> Group:
    """A group about the images as a whole (TID 1501)."""
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking,
        finding_type=kind,
        finding_category=category,
        algorithm_id=algorithm,
        measurements=list(measurements) or None,
        qualitative_evaluations=list(evaluations) or None,
        source_images=[
            sr.SourceImageForMeasurementGroup(i.SOPClassUID, i.SOPInstanceUID) for i in context.images
        ],
    )


def presence(value: Code) -> sr.QualitativeEvaluation:
    """Whether what a group is about is there."""
    return sr.QualitativeEvaluation(codes.PRESENCE, value)


def measurement_of(m: Measurement, names: dict[str, Code]) -> sr.Measurement:
    """A measured quantity under the code of its name, else under one made of the name."""
    return measurement(
        names.get(m.name) or private("", m.name), m.value, m.low, m.high, m.unit, confidence=m.confidence
    )


def measurement(
    name: Code | CodedConcept,
    value: float,
    low: float | None,
    high: float | None,
    unit: str,
    *,
    confidence: float,
    of: str = "",
) -> sr.Measurement:
    """A number with the limits of its prediction interval as numbers below it; ``of``: of something else.

    TID 310's uncertainty items hold distances without a sign, which cannot say an interval that does not
    hold the estimate; limits can.
    """
    what = of or f"{confidence:.0%} prediction interval"
    measured = sr.Measurement(name=name, value=_number(value), unit=codes.unit(unit))
    limits = [
        sr.NumContentItem(
            private(kind, f"{confidence:.0%} {of}", f"{side} limit of {what}"),
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


def algorithm_of(package: Package, labels: Sequence[str] | None = None) -> sr.AlgorithmIdentification:
    """TID 4019, with the package's hash and the thresholds of ``labels`` (all where None) as parameters."""
    manifest = package.manifest
    parameters = [f"package sha256 {package.sha256}"]
    for label, point in manifest.operating_points.items():
        if labels is None or label in labels:
            # Of ordered grades the threshold is on the grade or a higher one.
            what = f"{label} or higher" if TASKS[manifest.task].ordered else label
            parameters.append(
                f"threshold {point.threshold:.6g} on the probability of {what}, rule: {point.rule}"
            )
    return sr.AlgorithmIdentification(
        name=plain(manifest.name, 64),
        version=plain(manifest.version, 64),
        parameters=[plain(p, 1024) for p in parameters],
        family=codes.ARTIFICIAL_INTELLIGENCE,
        manufacturer=MANUFACTURER,
    )


def tracking_of_label(context: Context, label: str) -> sr.TrackingIdentifier:
    """Names what is said of one label, alike in SEG and SR."""
    return sr.TrackingIdentifier(tracking_uid(context.run, label), tracking_id(context.package, label))


def tracking_of_group(context: Context, what: str, *, shown: str | None = None) -> sr.TrackingIdentifier:
    """Names a group that no label names: ``what`` it is in this run, ``shown`` as the words of it."""
    return sr.TrackingIdentifier(
        tracking_uid(context.run, f"\0{what}"), tracking_id(context.package, shown or what)
    )
