"""Facts about the patient, the study and the equipment that travel beside the array (`Image.source`)."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from pydicom import Dataset
from pydicom.dataelem import RawDataElement

from overread.imaging.dicom_values import text

KEYWORDS = (
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "PatientID",
    "PatientSex",
    "BodyPartExamined",
    "Manufacturer",
    "SeriesDescription",
    "StudyDate",
)
YEARS_PER = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}


def facts(dataset: Dataset) -> dict[str, Any]:
    """Present and non-empty identifiers of ``dataset`` by DICOM keyword, and ``age_years`` (float)."""
    found: dict[str, Any] = {k: v for k in KEYWORDS if (v := text(dataset, k))}
    age = age_years(dataset)
    if age is not None:
        found["age_years"] = age
    return found


def age_years(dataset: Dataset) -> float | None:
    """Age at the study in years: PatientAge (VR AS, PS3.5 section 6.2), else study date minus birth date.

    A value that is not of the form nnnD, nnnW, nnnM or nnnY has no unit and is not used.
    """
    match = re.fullmatch(r"(\d{3})([DWMY])", _raw_text(dataset, "PatientAge"))
    if match:
        return int(match[1]) * YEARS_PER[match[2]]
    birth, study = (_date(_raw_text(dataset, k)) for k in ("PatientBirthDate", "StudyDate"))
    if birth is None or study is None or study < birth:
        return None
    return (study - birth).days / 365.25


def _raw_text(dataset: Dataset, keyword: str) -> str:
    """Text of an element without pydicom's validation, which would warn once per file about a bad value."""
    if keyword not in dataset:
        return ""
    element = dataset.get_item(keyword)
    value = element.value if element is not None else None
    if isinstance(element, RawDataElement) and isinstance(value, bytes):
        return value.decode("ascii", "replace").strip(" \0")
    return "" if value is None else str(value).strip(" \0")


def _date(value: str) -> date | None:
    match = re.fullmatch(r"(\d{4})\.?(\d{2})\.?(\d{2})", value)
    try:
        return date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None
