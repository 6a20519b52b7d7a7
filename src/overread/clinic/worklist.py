"""The reading list as a DICOM worklist (PS3.4 annex K): studies that were answered, the urgent ones first.

A worklist of procedures to read, not to acquire: what a reader's workstation asks for to order its own list. Requested
Procedure Priority (0040,1003) is STAT for what a package found urgent, ROUTINE and LOW otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from overread.clinic.records.studies import Studies
from overread.clinic.tables import Priority, StudyRow, StudyState
from overread.imaging.dicom.values import text

PRIORITIES = {Priority.URGENT: "STAT", Priority.NORMAL: "ROUTINE", Priority.LOW: "LOW"}
MOST_ANSWERS = 500
"""A query without keys is no reason to send the whole archive."""
READ = (StudyState.DELIVERED, StudyState.DELIVERING, StudyState.FAILED, StudyState.RUNNING, StudyState.QUEUED)
UTF_8 = "ISO_IR 192"


def answers(state: Studies, query: Dataset) -> Iterator[Dataset]:
    """One data set for each study that fits ``query``, by priority, then the latest first."""
    step = (query.get("ScheduledProcedureStepSequence") or [Dataset()])[0]
    given = 0
    for study in state.studies(limit=10_000, states=READ):
        if given == MOST_ANSWERS:
            return
        if _fits(study, query, step):
            given += 1
            yield workitem(study)


def workitem(study: StudyRow) -> Dataset:
    """A study as an item of the worklist."""
    item = Dataset()
    item.SpecificCharacterSet = UTF_8
    item.PatientName, item.PatientID = study.patient_name, study.patient_id
    item.AccessionNumber, item.StudyInstanceUID = study.accession[:16], study.study_uid
    item.RequestedProcedureID = study.accession[:16] or study.study_uid[-16:]
    item.RequestedProcedureDescription = (study.description or "Reading")[:64]
    item.RequestedProcedurePriority = PRIORITIES[study.priority]
    item.RequestedProcedureComments = study.urgent_reason[:10240]
    item.ReferringPhysicianName = ""
    step = Dataset()
    step.Modality = study.modalities.split(",")[0].strip()[:16]
    step.ScheduledStationAETitle = "OVERREAD"
    step.ScheduledProcedureStepID = item.RequestedProcedureID
    step.ScheduledProcedureStepDescription = item.RequestedProcedureDescription
    moment = re.sub(r"\D", "", study.last_received)[:14].ljust(14, "0")
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = moment[:8], moment[8:]
    step.ScheduledPerformingPhysicianName = ""
    item.ScheduledProcedureStepSequence = Items([step])
    return item


def _fits(study: StudyRow, query: Dataset, step: Dataset) -> bool:
    item = workitem(study)
    inner = item.ScheduledProcedureStepSequence[0]
    keys = (
        (
            query,
            item,
            ("PatientID", "AccessionNumber", "StudyInstanceUID", "PatientName", "RequestedProcedurePriority"),
        ),
        (step, inner, ("Modality",)),
    )
    for asked, found, keywords in keys:
        if not all(matches(text(asked, k), text(found, k)) for k in keywords):
            return False
    return in_range(
        text(step, "ScheduledProcedureStepStartDate"), text(inner, "ScheduledProcedureStepStartDate")
    )


def matches(pattern: str, value: str) -> bool:
    """Universal, wild card and single value matching (PS3.4 C.2.2.2), without regard to case."""
    if not pattern or pattern == "*":
        return True
    # No regular expression: what a peer asks must not take longer than length by length.
    wanted, text_there = pattern[:64].casefold(), value[:256].casefold()
    at = here = 0
    star, begun = -1, 0
    while here < len(text_there):
        if at < len(wanted) and wanted[at] == "*":
            star, begun, at = at, here, at + 1
        elif at < len(wanted) and wanted[at] in ("?", text_there[here]):
            at, here = at + 1, here + 1
        elif star >= 0:
            # The latest star takes one more character; earlier ones need never be looked at again.
            begun += 1
            at, here = star + 1, begun
        else:
            return False
    return not wanted[at:].strip("*")


def in_range(asked: str, date: str) -> bool:
    """Range matching of dates (PS3.4 C.2.2.2.5): ``D``, ``D-``, ``-D``, ``D-D``."""
    if not asked:
        return True
    low, dash, high = asked.partition("-")
    return (not low or date >= low) and (date <= high if high else bool(dash) or date == low)
