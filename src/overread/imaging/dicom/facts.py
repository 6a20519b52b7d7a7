"""Facts about the patient, the study and the equipment that travel beside the array (`Image.source`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from pydicom import Dataset

from overread.imaging.dicom.display import display_facts
from overread.imaging.dicom.mammography import mammography_facts
from overread.imaging.dicom.planes import Plane
from overread.imaging.dicom.suv import suv_facts
from overread.imaging.dicom.ultrasound import ultrasound_facts
from overread.imaging.dicom.values import floats, number, text

KEYWORDS = (
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "PatientID",
    "PatientSex",
    "BodyPartExamined",
    "Manufacturer",
    "ManufacturerModelName",
    "BurnedInAnnotation",
    "SeriesDescription",
    "StudyDate",
    "Laterality",
    "PatientOrientation",
    "ViewPosition",
    "Units",
)
DOSE = ("DoseUnits", "DoseType", "DoseSummationType")
YEARS_PER = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}


def facts(planes: Sequence[Plane], first: Dataset) -> dict[str, Any]:
    """What travels beside the array, by DICOM keyword where there is one.

    Identifiers of ``first`` that are present and not empty, ``age_years`` (float), and what the modality adds:
    ``window``, ``pixel_padding``, ``mammography``, ``ultrasound_regions``, ``suv`` ... (see the modules).
    """
    found: dict[str, Any] = {k: v for k in KEYWORDS if (v := text(first, k))}
    age = age_years(first)
    if age is not None:
        found["age_years"] = age
    modality = text(first, "Modality")
    found |= display_facts(next((p for p in planes if p.dataset is first), planes[0]))
    if modality == "MG":
        found |= mammography_facts(first)
    elif modality == "US":
        found |= ultrasound_facts(first)
    elif modality == "PT":
        found |= suv_facts([first, *(p.dataset for p in planes)])
    elif modality == "RTDOSE":
        found |= {k: v for k in DOSE if (v := text(first, k))}
    return found


def frame_facts(first: Dataset, frames: int, name: str) -> tuple[dict[str, Any], str]:
    """Facts of frames without a place in the patient, and the sentence about them.

    ``last_axis`` is ``"time"`` or ``"frame"``, ``frame_times_ms`` when each frame was taken after the first
    (PS3.3 C.7.6.5, Cine).
    """
    where = "no plane positions: frames are stacked as stored, 1 mm apart by assumption; the last axis is "
    times: list[float] | None = None
    steps = floats(first, "FrameTimeVector", frames, name) if text(first, "FrameTimeVector") else None
    step = number(first, "FrameTime", name)
    if steps is not None:
        times = [float(t) for t in steps.cumsum()]
    elif step:
        times = [k * step for k in range(frames)]
    else:
        rate = next(
            (r for k in ("CineRate", "RecommendedDisplayFrameRate") if (r := number(first, k, name))), 0
        )
        times = [k * 1000 / rate for k in range(frames)] if rate else None
    if times is None:
        return {"last_axis": "frame"}, where + "the frame, not space"
    return {"last_axis": "time", "frame_times_ms": tuple(times)}, where + "time, not space"


def order_notes(planes: Sequence[Plane], first: Dataset) -> tuple[str, ...]:
    """Sentences where the numbering of a volume's instances says that others belong to it.

    Whether slices are missing before the first or after the last, positions cannot tell.
    """
    if planes[1].dataset is planes[0].dataset:
        return ()
    notes = []
    for keyword in ("ImagesInAcquisition", "NumberOfSlices"):
        stated = text(first, keyword)
        if stated.isdigit() and int(stated) > len(planes):
            notes.append(f"{keyword} is {stated}, but {len(planes)} slices are here: others may be missing")
    numbers = sorted(int(n) for p in planes if (n := text(p.dataset, "InstanceNumber")).isdigit())
    if notes or len(numbers) != len(planes):
        return tuple(notes)
    left_out = numbers[-1] - numbers[0] + 1 - len(numbers)
    if left_out > 0:
        notes.append(
            f"instance numbers run from {numbers[0]} to {numbers[-1]} and leave out {left_out}: "
            "slices may be missing"
        )
    elif numbers[0] > 1:
        notes.append(
            f"instance numbers run from {numbers[0]} to {numbers[-1]}: slices before the first may be missing"
        )
    return tuple(notes)


def age_years(dataset: Dataset) -> float | None:
    """Age at the study in years: PatientAge (VR AS, PS3.5 section 6.2), else study date minus birth date.

    A value that is not of the form nnnD, nnnW, nnnM or nnnY has no unit and is not used.
    """
    match = re.fullmatch(r"(\d{3})([DWMY])", text(dataset, "PatientAge"))
    if match:
        return int(match[1]) * YEARS_PER[match[2]]
    birth, study = (_date(text(dataset, k)) for k in ("PatientBirthDate", "StudyDate"))
    if birth is None or study is None or study < birth:
        return None
    return (study - birth).days / 365.25


def _date(value: str) -> date | None:
    match = re.fullmatch(r"(\d{4})\.?(\d{2})\.?(\d{2})", value)
    try:
        return date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None
