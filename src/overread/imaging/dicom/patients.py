"""Whose images they are: nothing of two patients is ever put together.

Source: PS3.3 C.7.1.1 (Patient Module): a patient is known by Patient ID within its issuer, and by name where there is
no ID. A name alone differs for many a reason (marriage, spelling, script): under one ID it is noted, not refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pydicom import Dataset

from overread.errors import InputError
from overread.imaging.dicom.values import text

PATIENT_DIFFERS = "PATIENT_DIFFERS"


class PatientDiffersError(InputError):
    """Images of more than one patient where those of one are expected; ``code`` is short and stable."""

    code = PATIENT_DIFFERS


class Patient(NamedTuple):
    """What a data set says of its patient; empty where it says nothing."""

    identifier: str
    issuer: str
    name: str


def patient_of(dataset: Dataset) -> Patient:
    """Patient ID, its issuer, and the name in lower case without empty parts."""
    name = text(dataset, "PatientName").casefold().split("=")[0]
    parts = [" ".join(part.split()) for part in name.split("^")]
    return Patient(
        text(dataset, "PatientID"), text(dataset, "IssuerOfPatientID"), "^".join(parts).rstrip("^")
    )


def check_one_patient(datasets: Iterable[Dataset], where: str) -> tuple[str, ...]:
    """A sentence where the name differs under one Patient ID; nothing where all is of one patient.

    Raises
    ------
    PatientDiffersError
        Two Patient IDs; one ID of two issuers under two names; two names where a data set has no ID. The message counts
        and quotes no name.
    """
    found = {patient_of(dataset) for dataset in datasets}
    identifiers, issuers, names = ({p[k] for p in found} - {""} for k in range(3))
    if len(found) < 2 or (len(identifiers) < 2 and len(names) < 2 and len(issuers) < 2):
        return ()
    what = ""
    if len(identifiers) > 1:
        what = f"{len(identifiers)} different values of PatientID"
    elif len(names) > 1 and len(issuers) > 1:
        what = f"PatientID of {len(issuers)} issuers, with {len(names)} different values of PatientName"
    elif len(names) > 1 and any(not p.identifier for p in found):
        what = f"{len(names)} different values of PatientName, not all with a PatientID"
    if what:
        raise PatientDiffersError(
            f"{where}: holds {what}, expected the images of one patient; give the files of one patient only, or "
            "correct the wrong ones at their source"
        )
    if len(names) < 2:
        return ()
    return (
        f"PatientName differs within one PatientID ({len(names)} different values); check whose images these are",
    )
