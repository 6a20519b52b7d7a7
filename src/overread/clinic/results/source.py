"""What a result takes over from the images that it was made from."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import highdicom
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom.config import RAISE
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.valuerep import validate_value

import overread
from overread.clinic.results.codes import PROCESSING_EQUIPMENT, plain
from overread.imaging.dicom.files import open_dataset
from overread.imaging.dicom.patients import check_one_patient
from overread.runtime.package import Package

log = logging.getLogger(__name__)
MANUFACTURER = "overread"
MODEL = "overread"
LIBRARY_MANUFACTURER = "Highdicom"
CODING_SCHEME_NAME = "overread codes"

# Type 2 in Patient and General Study modules (PS3.3 C.7.1.1, C.7.2.1): old sources leave some out.
TYPE_2 = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
)
# Text of Patient, General Study and Patient Study modules that is copied byte for byte.
COPIED = (
    *TYPE_2,
    "IssuerOfPatientID",
    "PatientBirthTime",
    "OtherPatientNames",
    "EthnicGroup",
    "PatientComments",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "StudyDescription",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "Occupation",
    "AdditionalPatientHistory",
)
METHOD_UNKNOWN = "Not stated by the source"
CHECKED_VRS = frozenset({"AS", "CS", "DA", "DS", "DT", "IS", "TM"})


@dataclass(frozen=True)
class Run:
    """What every object of one run shares.

    ``key`` names the run for ever (study, its instances, package); ``time`` is when it was first begun, UTC.
    """

    key: str
    time: datetime
    content_qualification: str
    serial_number: str


def read_headers(files: Sequence[Path]) -> list[FileDataset]:
    """Data sets without pixel data, in the order given. Raises InputError on a file that is damaged or not DICOM."""
    return [open_dataset(Path(f), str(f), stop_before_pixels=True) for f in files]


def fit_for_highdicom(dataset: Dataset) -> Dataset:
    """A copy that highdicom accepts: Type 2 attributes present, patient's values emptied, no value that cannot be read.

    The patient's come back byte for byte by ``copy_identity``; emptied, no vendor's odd date can raise.
    """
    out = Dataset()
    for tag in list(dataset.keys()):
        try:
            # A copy: a data set's attributes are set in the element itself.
            out[tag] = copy(dataset[tag])
        except Exception:
            # Whatever a broken value makes the parser raise: the images were read without it.
            log.info("instance %s: (%08x) cannot be read", dataset.get("SOPInstanceUID", ""), tag)
    for keyword in COPIED:
        if keyword in TYPE_2:
            setattr(out, keyword, "")
        elif keyword in out:
            delattr(out, keyword)
    # A detector spacing of zero says "unknown" (seen in old CR) and is not copied into a result.
    if any(float(s) <= 0 for s in _values(out, "PixelSpacing")):
        del out.PixelSpacing
    # Values are decoded by now; the result gets the source's character set in the end.
    if "SpecificCharacterSet" in out:
        del out.SpecificCharacterSet
    out.file_meta = dataset.file_meta
    return out


def _values(dataset: Dataset, keyword: str) -> list[Any]:
    value = dataset.get(keyword)
    return [] if value is None or value == "" else list(value)


def copy_identity(source: Path, result: Dataset) -> None:
    """Put the patient's and study's text of ``source`` into ``result`` as the bytes that it was sent with.

    A date, time, age, number or sex that the standard does not allow (an age of ``42`` without its unit)
    would make the result invalid: it is left empty where the attribute is needed, and out where it is not.
    """
    original = read_headers([source])[0]
    charset = original.get_item("SpecificCharacterSet")
    for keyword in COPIED:
        element = original.get_item(keyword)
        if element is None or not _valid(keyword, element.value):
            if keyword in TYPE_2:
                setattr(result, keyword, "")
            elif keyword in result:
                delattr(result, keyword)
        elif isinstance(element, RawDataElement):
            result[element.tag] = element._replace(VR=dictionary_VR(element.tag))
        else:
            result[element.tag] = element
    if _text(result, "PatientIdentityRemoved").upper() == "YES" and not _text(
        result, "DeidentificationMethod"
    ):
        # Needed then (PS3.3 C.7.1.1), and left empty by many a tool.
        result.DeidentificationMethod = METHOD_UNKNOWN
    if charset is None:
        if "SpecificCharacterSet" in result:
            del result.SpecificCharacterSet
    else:
        result.SpecificCharacterSet = original.SpecificCharacterSet
    # Our times are given in the source's zone, see local_time.
    if "TimezoneOffsetFromUTC" in original:
        result.TimezoneOffsetFromUTC = original.TimezoneOffsetFromUTC


def _text(dataset: Dataset, keyword: str) -> str:
    element = dataset.get_item(keyword)
    value = None if element is None else element.value
    return (value.decode("latin-1") if isinstance(value, bytes) else str(value or "")).strip("\0 ")


def _valid(keyword: str, value: Any) -> bool:
    vr = dictionary_VR(keyword)
    if vr not in CHECKED_VRS or not isinstance(value, bytes):
        return True
    text = value.decode("ascii", "replace").strip("\0 ")
    if keyword == "PatientSex":
        return text in ("", "M", "F", "O")
    try:
        for part in text.split("\\"):
            validate_value(vr, part, RAISE)
    except ValueError:
        return False
    return True


def local_time(time: datetime, source: Dataset) -> datetime:
    """``time`` in the time zone that the source states, else in the node's own."""
    offset = str(source.get("TimezoneOffsetFromUTC", "") or "").strip()
    if len(offset) == 5 and offset[0] in "+-" and offset[1:].isdigit():
        minutes = int(offset[1:3]) * 60 + int(offset[3:])
        return time.astimezone(timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes)))
    return time.astimezone()


def equipment(package: Package, run: Run) -> dict[str, Any]:
    """Keyword arguments that every highdicom object of a run gets alike."""
    manifest = package.manifest
    return {
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": MODEL,
        "software_versions": [overread.__version__, plain(f"{manifest.name} {manifest.version}", 64)],
        "device_serial_number": run.serial_number,
        "content_qualification": run.content_qualification,
        "series_description": plain(f"{manifest.name} {manifest.version}", 54) + " AI",
        "coding_schemes": [
            CodingSchemeIdentificationItem(
                "99OVERREAD", name=CODING_SCHEME_NAME, responsible_organization=MANUFACTURER
            )
        ],
        "contributing_equipment": [
            highdicom.ContributingEquipment(
                manufacturer=MANUFACTURER,
                purpose_of_reference=PROCESSING_EQUIPMENT,
                manufacturer_model_name=plain(manifest.name, 64),
                software_versions=plain(manifest.version, 64),
                contribution_description=f"package sha256 {package.sha256}",
            )
        ],
    }


def keep_laterality(result: Dataset, header: Dataset) -> None:
    """Laterality as in the source, empty where it says nothing: Type 2C of an image's series (PS3.3 C.7.3.1)."""
    value = str(header.get("Laterality", "") or "")
    result.Laterality = value if value in ("L", "R") else ""


def finish(result: Dataset, source: Path, run: Run, headers: Sequence[Dataset]) -> None:
    """Fix the times to the run's and copy the patient's identity, which must be that of all ``headers``.

    Raises PatientDiffersError where they are of two: a result of one would be filed under the other.
    """
    check_one_patient(headers, "the images of this result")
    when = local_time(run.time, headers[0])
    result.InstanceCreationDate = result.SeriesDate = when.strftime("%Y%m%d")
    result.InstanceCreationTime = result.SeriesTime = when.strftime("%H%M%S")
    for item in result.ContributingEquipmentSequence:
        if str(item.get("Manufacturer", "")).startswith((MANUFACTURER, LIBRARY_MANUFACTURER)):
            item.ContributionDateTime = when.strftime("%Y%m%d%H%M%S")
    copy_identity(source, result)
