"""A workitem as a data set (PS3.4 table CC.2.5-3), and what a state may become (PS3.4 section CC.1.1)."""

from __future__ import annotations

import re
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from overread.clinic.tables import StudyRow
from overread.clinic.workitem_rows import StepState, Workitem

UPS_PUSH = "1.2.840.10008.5.1.4.34.6.1"
UTF_8 = "ISO_IR 192"
WORKLIST = "Urgent by AI"
LONGEST_LABEL, LONGEST_REASON = 64, 1024


ENDED = (StepState.COMPLETED, StepState.CANCELED)
NEXT: dict[StepState, tuple[StepState, ...]] = {
    StepState.SCHEDULED: (StepState.IN_PROGRESS,),
    StepState.IN_PROGRESS: ENDED,
    StepState.COMPLETED: (),
    StepState.CANCELED: (),
}
"""By whoever performs it; a request for cancellation ends a scheduled one, too."""


def date_time(iso: str) -> str:
    """A time in UTC as DT (PS3.5 section 6.2) with its offset."""
    digits = re.sub(r"\D", "", iso)[:14]
    return f"{digits}+0000" if digits else ""


def as_dataset(item: Workitem, study: StudyRow) -> Dataset:
    """What is told of a workitem; never the transaction UID (PS3.4 section CC.2.5.1.3)."""
    ds = Dataset()
    ds.SpecificCharacterSet = UTF_8
    ds.SOPClassUID, ds.SOPInstanceUID = UPS_PUSH, item.uid
    ds.ScheduledProcedureStepPriority = "HIGH"
    ds.ScheduledProcedureStepModificationDateTime = date_time(item.updated)
    ds.ProcedureStepLabel, ds.WorklistLabel = item.label[:LONGEST_LABEL], WORKLIST
    ds.ScheduledProcedureStepStartDateTime = date_time(item.created)
    ds.CommentsOnTheScheduledProcedureStep = item.comment[:10240]
    ds.InputReadinessState, ds.ProcedureStepState = "READY", item.state.value
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "110005", "DCM", "Interpretation"
    ds.ScheduledWorkitemCodeSequence = Items([code])
    ds.ScheduledProcessingParametersSequence = Items([])
    ds.PatientName, ds.PatientID = study.patient_name, study.patient_id
    ds.StudyInstanceUID = study.study_uid
    request = Dataset()
    request.StudyInstanceUID, request.AccessionNumber = study.study_uid, study.accession[:16]
    request.RequestedProcedureDescription = study.description[:64]
    ds.ReferencedRequestSequence = Items([request])
    images = Dataset()
    images.TypeOfInstances, images.StudyInstanceUID = "DICOM", study.study_uid
    ds.InputInformationSequence = Items([images])
    if item.performer or item.reason:
        progress = Dataset()
        if item.reason:
            progress.ReasonForCancellation = item.reason[:LONGEST_REASON]
        ds.ProcedureStepProgressInformationSequence = Items([progress])
    return ds


def as_json(ds: Dataset) -> dict[str, Any]:
    """The DICOM JSON model (PS3.18 annex F)."""
    return dict(ds.to_json_dict())
