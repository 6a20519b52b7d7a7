"""SR: Comprehensive 3D SR with an imaging measurement report, TID 1500 (PS3.16), for every outcome.

Each report begins with a group that says whether the analysis was made ("Summary of Analyses": Succeeded,
Not Attempted, Failed), so that "ran and found nothing" differs from "did not run".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from highdicom import sr
from highdicom.sr import CodedConcept, Comprehensive3DSR
from highdicom.sr.coding import Code
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from overread.clinic.results import codes
from overread.clinic.results.codes import LabelCodes
from overread.clinic.results.failure import Failure
from overread.clinic.results.groups import groups_of
from overread.clinic.results.groups.shared import Context
from overread.clinic.results.material import Predecessor
from overread.clinic.results.names import PLACES
from overread.clinic.results.observer import observer_of
from overread.clinic.results.source import (
    Run,
    equipment,
    finish,
    fit_for_highdicom,
    local_time,
)
from overread.clinic.results.stand_in import as_evidence, name_sources
from overread.clinic.results.uids import derived_uid
from overread.runtime.package import Package
from overread.runtime.prediction import Prediction


def make_sr(
    result: Prediction | Failure,
    package: Package,
    files: Sequence[Path],
    headers: Sequence[Dataset],
    run: Run,
    *,
    first: int | None = None,
    seg: Dataset | None = None,
    label_codes: LabelCodes | None = None,
    remarks: Sequence[str] = (),
    predecessors: Sequence[Predecessor] = (),
) -> Comprehensive3DSR:
    """The report of one run.

    Parameters
    ----------
    result
        What the package answered, or why it could not.
    files, headers
        Every image that was used, those of the first channel first: as files and as data sets without pixels.
    first
        How many of them are the first channel's, in the image's slice order; all where None.
    seg
        The run's SEG where one was made; its segments are referred to.
    label_codes
        Category and type by label, where they are not to be guessed from the label's name.
    remarks
        Sentences for the reader besides the result's own, such as why there is no SEG.

    predecessors
        Reports of earlier runs over fewer images of the study, which this one takes the place of.

    Raises
    ------
    InputError
        Boxes of the answer lie on another grid than the images; images of more than one patient.
    """
    fitted = [fit_for_highdicom(h) for h in headers]
    if isinstance(result, Prediction) and result.computed is not None:
        remarks = (*remarks, f"Computed with {result.computed}.")
    context = Context(
        package=package,
        images=fitted,
        first=fitted[:first],
        spatial=tuple(result.quality.get("size", ())) if isinstance(result, Prediction) else (),
        run=run,
        seg=seg,
        label_codes=label_codes or {},
        remarks=tuple(remarks),
    )
    content = sr.MeasurementReport(
        observation_context=_observation_context(run, package),
        procedure_reported=_procedures(headers[0]),
        imaging_measurements=groups_of(result, context),
    )
    when = local_time(run.time, headers[0])
    report = Comprehensive3DSR(
        evidence=as_evidence(headers) + ([seg] if seg is not None else []),
        content=content,
        series_instance_uid=derived_uid(run.key, "SR series"),
        series_number=PLACES["sr"].series_number,
        sop_instance_uid=derived_uid(run.key, "SR"),
        instance_number=1,
        is_complete=isinstance(result, Prediction),
        is_final=False,
        is_verified=False,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        content_date=when.date(),
        content_time=when.time().replace(microsecond=0),
        **equipment(package, run),
    )
    if predecessors:
        report.PredecessorDocumentsSequence = [_study_of(p) for p in predecessors]
    name_sources(report, headers)
    finish(report, files[0], run, headers)
    return report


def _observation_context(run: Run, package: Package) -> sr.ObservationContext:
    context = sr.ObserverContext(
        observer_type=CodedConcept.from_code(codes.DEVICE),
        observer_identifying_attributes=observer_of(package, run),
    )
    return sr.ObservationContext(observer_device_context=context)


def _study_of(predecessor: Predecessor) -> Dataset:
    """Hierarchical SOP Instance Reference (PS3.3 table 10-3b) of one report."""
    instance, series, study = Dataset(), Dataset(), Dataset()
    instance.ReferencedSOPClassUID, instance.ReferencedSOPInstanceUID = predecessor.sop_class, predecessor.sop
    series.SeriesInstanceUID, series.ReferencedSOPSequence = predecessor.series, [instance]
    study.StudyInstanceUID, study.ReferencedSeriesSequence = predecessor.study, [series]
    return study


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
