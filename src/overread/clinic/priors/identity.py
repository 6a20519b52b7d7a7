"""Whose a prior is: an archive may answer with the images of somebody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydicom.dataset import Dataset

from overread.imaging.dicom.values import text


class Identity(NamedTuple):
    """Patient ID, its issuer and the birth date (PS3.3 C.7.1.1), empty where nothing is said."""

    patient_id: str
    issuer: str = ""
    birth_date: str = ""


def identity_of(dataset: Dataset) -> Identity:
    """What a data set says."""
    return Identity(
        *(text(dataset, k).strip() for k in ("PatientID", "IssuerOfPatientID", "PatientBirthDate"))
    )


def differs(current: Identity, found: Identity) -> str:
    """Which of the three shows that ``found`` is somebody else, or nothing. Values are never quoted.

    Patient ID must be there and equal; issuer and birth date must be equal where both say one.
    """
    if not current.patient_id or current.patient_id != found.patient_id:
        return "PatientID"
    for name, ours, theirs in (
        ("IssuerOfPatientID", current.issuer, found.issuer),
        ("PatientBirthDate", current.birth_date, found.birth_date),
    ):
        if ours and theirs and ours != theirs:
            return name
    return ""


class Found(NamedTuple):
    """A series of an earlier study, as an archive's answer to a query says."""

    identity: Identity
    study: str
    series: str
    date: str
    time: str
    modality: str
    words: str
    """Body Part Examined and both descriptions."""
    instances: int


def found_of(study: Mapping[str, Any], series: Mapping[str, Any]) -> Found:
    """From values by keyword of an answer about a study and one about its series."""

    def value(keyword: str) -> str:
        return str(series.get(keyword) or study.get(keyword) or "").strip()[:256]

    count = value("NumberOfSeriesRelatedInstances")
    return Found(
        # Of the study's answer, which both levels of a query must give; a series' own may say more.
        Identity(*(value(k) for k in ("PatientID", "IssuerOfPatientID", "PatientBirthDate"))),
        value("StudyInstanceUID"),
        value("SeriesInstanceUID"),
        value("StudyDate"),
        value("StudyTime"),
        value("Modality"),
        " ".join(value(k) for k in ("BodyPartExamined", "SeriesDescription", "StudyDescription")),
        int(count) if count.isascii() and count.isdigit() and len(count) < 9 else 0,
    )
