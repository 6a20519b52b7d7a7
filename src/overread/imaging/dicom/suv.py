"""Standardised uptake value by body weight, from the header of a PET series.

Source: the vendor-neutral calculation of the RSNA QIBA FDG-PET/CT profile (appendix G): decay from the injection
to the time that pixels were corrected to, DICOM PS3.3 C.8.9.1 (PET Series) and C.8.9.2 (PET Isotope).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydicom import Dataset

from overread.errors import InputError
from overread.imaging.dicom.values import first_item, number, private_value, text
from overread.imaging.image import Image

GRAM_PER_KG = 1000.0
LONGEST_UPTAKE = 20
"""Half-lives after which nothing is left to be measured: a millionth of the dose."""
DAY = timedelta(days=1)


def suv(image: Image) -> Image:
    """A PET image as SUV by body weight, g/ml, float32.

    Raises
    ------
    InputError
        Where the header did not tell what the calculation needs; the message says what.
    """
    factor = image.source.get("suv_factor")
    if factor is None:
        reason = image.source.get("suv_missing", "the image was not read from a PET series")
        raise InputError(f"{image.source.get('path') or 'the image'}: no SUV: {reason}")
    array = (image.array * factor).astype("float32")
    source = {**image.source, "Units": "GML", "suv_factor": 1.0}
    note = f"values in {image.source.get('Units', 'stored units')} times {factor:.6g} are SUV by body weight, g/ml"
    return image.with_(array=array, source=source, notes=(*image.notes, note))


def suv_facts(datasets: Sequence[Dataset]) -> dict[str, Any]:
    """``suv_factor``: what modality values are multiplied by to be SUV; or ``suv_missing``: why there is none."""
    try:
        return {"suv_factor": suv_factor(datasets)}
    except InputError as error:
        return {"suv_missing": str(error)}
    except ArithmeticError:
        return {"suv_missing": "dose, half-life or weight are beyond all bounds"}


def suv_factor(datasets: Sequence[Dataset]) -> float:
    """SUV by body weight per modality value of the data sets of one PET series.

    Raises InputError, which says what is missing or what cannot be calculated.
    """
    first = datasets[0]
    units = text(first, "Units")
    if units == "GML":
        kind = text(first, "SUVType")
        if kind not in ("", "BW"):
            raise InputError(f"values are SUV of type {kind} already, not by body weight")
        return 1.0
    scale = 1.0
    if units == "CNTS":
        # Philips keeps both factors in private elements; the first gives SUV, the second Bq/ml.
        to_suv, to_bqml = (_private(first, 0x7053, "Philips PET Private Group", e) for e in (0x00, 0x09))
        if to_suv:
            return to_suv
        if not to_bqml:
            raise InputError("Units is CNTS without the private factors of the vendor")
        scale = to_bqml
    elif units != "BQML":
        raise InputError(f"Units is {units or 'missing'}, expected BQML, GML or CNTS")
    corrections = str(first.get("CorrectedImage", ""))
    if "DECY" not in corrections or "ATTN" not in corrections:
        raise InputError("CorrectedImage does not name both ATTN and DECY")
    weight = number(first, "PatientWeight", "PET")
    if not weight or weight <= 0:
        raise InputError("PatientWeight is missing")
    tracer = first_item(first, "RadiopharmaceuticalInformationSequence")
    if tracer is None:
        raise InputError("RadiopharmaceuticalInformationSequence is missing")
    dose = number(tracer, "RadionuclideTotalDose", "PET")
    if not dose or dose <= 0:
        raise InputError("RadionuclideTotalDose is missing")
    corrected_to = text(first, "DecayCorrection")
    if corrected_to == "ADMIN":
        return scale * weight * GRAM_PER_KG / dose
    if corrected_to != "START":
        raise InputError(f"DecayCorrection is {corrected_to or 'missing'}, expected START or ADMIN")
    half_life = number(tracer, "RadionuclideHalfLife", "PET")
    if not half_life or half_life <= 0:
        raise InputError("RadionuclideHalfLife is missing")
    scan = _scan_start(datasets)
    uptake = (scan - _injection(first, tracer, scan)).total_seconds() / half_life
    if not 0 <= uptake <= LONGEST_UPTAKE:
        raise InputError(
            f"the injection lies {timedelta(seconds=uptake * half_life)} ({uptake:.1f} half-lives) before the scan, "
            f"expected 0 to {LONGEST_UPTAKE} half-lives"
        )
    decayed = dose * 2**-uptake
    return scale * weight * GRAM_PER_KG / decayed


def _scan_start(datasets: Sequence[Dataset]) -> datetime:
    """The time that pixels were decay corrected to, in the zone of the data set."""
    first = datasets[0]
    series = _moment(text(first, "SeriesDate"), text(first, "SeriesTime"))
    taken = [_moment(text(d, "AcquisitionDate"), text(d, "AcquisitionTime")) for d in datasets]
    known = [t for t in taken if t is not None]
    if series is not None and known and series <= min(known):
        return series
    # A series made later by processing: its own time says nothing about the scan.
    started = _local(_private_text(first, 0x0009, "GEMS_PETD_01", 0x0D), first)
    if started is not None:
        return started
    frame = number(first, "FrameReferenceTime", "PET")
    duration = number(first, "ActualFrameDuration", "PET")
    tracer = first_item(first, "RadiopharmaceuticalInformationSequence")
    half_life = None if tracer is None else number(tracer, "RadionuclideHalfLife", "PET")
    if taken[0] is not None and frame and duration and half_life:
        # Frame Reference Time is when the count rate was average, counted from the reference of the correction.
        decay = math.log(2) / half_life
        seconds = duration / 1000
        average = math.log(decay * seconds / (1 - math.exp(-decay * seconds))) / decay
        return taken[0] + timedelta(seconds=average - frame / 1000)
    raise InputError("SeriesTime is later than AcquisitionTime, and nothing tells when the scan began")


def _injection(first: Dataset, tracer: Dataset, scan: datetime) -> datetime:
    """The time of the injection, in the zone of the data set."""
    at = _local(text(tracer, "RadiopharmaceuticalStartDateTime"), first)
    if at is not None:
        return at
    at = _moment(scan.strftime("%Y%m%d"), text(tracer, "RadiopharmaceuticalStartTime"))
    if at is None:
        raise InputError("RadiopharmaceuticalStartDateTime and RadiopharmaceuticalStartTime are missing")
    # A time without date that lies after the scan is of the evening before.
    return at if at <= scan else at - DAY


def _moment(date: str, time: str) -> datetime | None:
    date, time = date.replace(".", ""), time.replace(":", "")
    if len(date) != 8 or len(time) < 4:
        return None
    return _stamp(date + time)[0]


def _local(value: str, dataset: Dataset) -> datetime | None:
    """A DT in the zone of the data set (Timezone Offset From UTC, PS3.3 C.12.1.1.8), in which its DA and TM are.

    An offset of the value's own counts where the data set states its zone; otherwise all are taken for one zone.
    """
    moment, own = _stamp(value)
    zone = _offset(text(dataset, "TimezoneOffsetFromUTC"))
    return moment if moment is None or own is None or zone is None else moment - own + zone


def _stamp(value: str) -> tuple[datetime | None, timedelta | None]:
    """A DICOM DT (PS3.5 section 6.2) without its offset from UTC, and that offset."""
    parsed = re.fullmatch(r"(\d{8,14})(?:\.(\d{1,6}))?([+-]\d{4})?", value.strip())
    if parsed is None:
        return None, None
    try:
        moment = datetime.strptime(parsed[1].ljust(14, "0"), "%Y%m%d%H%M%S")
    except ValueError:
        return None, None
    return moment + timedelta(seconds=float(f"0.{parsed[2] or 0}")), _offset(parsed[3] or "")


def _offset(value: str) -> timedelta | None:
    """An offset from UTC such as +0100 or -0330; None where it is none (PS3.5 section 6.2 permits -1200 to +1400)."""
    parsed = re.fullmatch(r"([+-])(\d{2})([0-5]\d)", value.strip())
    if parsed is None:
        return None
    offset = timedelta(hours=int(parsed[2]), minutes=int(parsed[3]))
    offset = -offset if parsed[1] == "-" else offset
    return offset if timedelta(hours=-12) <= offset <= timedelta(hours=14) else None


def _private(dataset: Dataset, group: int, creator: str, element: int) -> float:
    try:
        return float(_private_text(dataset, group, creator, element) or 0)
    except ValueError:
        return 0.0


def _private_text(dataset: Dataset, group: int, creator: str, element: int) -> str:
    value = private_value(dataset, group, creator, element)
    if value is None:
        return ""
    return value.decode("latin-1").strip(" \0") if isinstance(value, bytes) else str(value)
