"""What an archive has of a patient: by C-FIND (PS3.4 C.4.1) or QIDO-RS (PS3.18 section 10.6)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pynetdicom.association import Association

from overread.clinic.associate import Peer, UnreachableError, associate
from overread.clinic.outward.http import ask
from overread.clinic.priors.choose import Wanted
from overread.clinic.priors.identity import Found, found_of
from overread.clinic.pull.settings import AnySource, Source, WebSource
from overread.clinic.spool import safe_uid
from overread.errors import OverreadError
from overread.imaging.dicom.values import text

FIND, IMPLICIT = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.1.2"
PENDING = (0xFF00, 0xFF01)
STUDY_KEYS = ("StudyInstanceUID", "StudyTime", "StudyDescription", "PatientBirthDate", "IssuerOfPatientID")
SERIES_KEYS = (
    "SeriesInstanceUID",
    "Modality",
    "BodyPartExamined",
    "SeriesDescription",
    "NumberOfSeriesRelatedInstances",
)
MOST_STUDIES, MOST_SERIES = 100, 500
"""Of one patient within the days asked for; of more the first are looked at."""


class LateError(OverreadError):
    """The time for priors is over."""


def query(source: AnySource, wanted: Wanted, *, days: int, calling: str, until: float) -> Iterator[Found]:
    """Every series of the patient's studies within ``days``.

    Raises
    ------
    UnreachableError
        The archive does not answer, or breaks off.
    LateError
        It is later than ``until`` (seconds of `time.monotonic`).
    OverreadError
        It answers otherwise than with what was asked for.
    """
    if isinstance(source, Source):
        yield from _find(source, wanted, days, calling, until)
    else:
        yield from _qido(source, wanted, days, until)


def in_time(until: float) -> float:
    """Seconds left. Raises LateError where there are none."""
    left = until - time.monotonic()
    if left <= 0:
        raise LateError("the time for priors is over")
    return left


def _find(source: Source, wanted: Wanted, days: int, calling: str, until: float) -> Iterator[Found]:
    association = associate(
        Peer(source.aet, source.host, source.port),
        calling,
        {(FIND, IMPLICIT)},
        min(source.timeout_seconds, in_time(until)),
        source.tls,
    )
    try:
        asked = Dataset()
        asked.QueryRetrieveLevel, asked.PatientID = "STUDY", wanted.identity.patient_id
        asked.StudyDate = "-".join(wanted.span(days))
        for keyword in STUDY_KEYS:
            setattr(asked, keyword, "")
        studies = list(_answers(association, asked, source, until, MOST_STUDIES))
        for study in studies:
            if not study.get("StudyInstanceUID"):
                continue
            asked = Dataset()
            asked.QueryRetrieveLevel, asked.StudyInstanceUID = "SERIES", study["StudyInstanceUID"]
            for keyword in SERIES_KEYS:
                setattr(asked, keyword, None)
            for series in _answers(association, asked, source, until, MOST_SERIES):
                yield found_of(study, {**series, "StudyInstanceUID": study["StudyInstanceUID"]})
    finally:
        if association.is_established:
            association.abort()


def _answers(
    association: Association, asked: Dataset, source: Source, until: float, most: int
) -> Iterator[Mapping[str, str]]:
    count = 0
    try:
        for status, found in association.send_c_find(asked, FIND):
            in_time(until)
            if "Status" not in status:
                raise UnreachableError(f"{source.name}: broke off, or was silent for too long")
            if status.Status not in PENDING:
                if status.Status:
                    raise OverreadError(f"{source.name}: answers the query with status {status.Status:#06x}")
                return
            count += 1
            if count <= most and found is not None:
                yield {
                    k: text(found, k)
                    for k in (*STUDY_KEYS, *SERIES_KEYS, "PatientID", "StudyDate")
                    if k in found
                }
    except (ValueError, RuntimeError) as error:
        raise UnreachableError(f"{source.name}: answers no query ({error})") from error


def _qido(source: WebSource, wanted: Wanted, days: int, until: float) -> Iterator[Found]:
    keys = {
        "PatientID": wanted.identity.patient_id,
        "StudyDate": "-".join(wanted.span(days)),
        "limit": str(MOST_STUDIES),
        "includefield": ",".join(STUDY_KEYS),
    }
    for study in _matches(source, f"/studies?{urlencode(keys)}", until):
        try:
            uid = safe_uid(study.get("StudyInstanceUID", ""))
        except ValueError:
            continue
        fields = urlencode({"includefield": ",".join(SERIES_KEYS), "limit": str(MOST_SERIES)})
        for series in _matches(source, f"/studies/{uid}/series?{fields}", until)[:MOST_SERIES]:
            yield found_of(study, {**series, "StudyInstanceUID": uid})


def _matches(source: WebSource, path: str, until: float) -> list[Mapping[str, str]]:
    """Values by keyword of each match (DICOM JSON model, PS3.18 annex F)."""
    answer = ask(
        "GET",
        source.url + path,
        timeout=min(source.timeout_seconds, in_time(until)),
        headers={"Accept": "application/dicom+json"},
        ca=source.ca,
        token_file=source.token_file,
    )
    in_time(until)
    if answer.status == 204:
        return []
    if answer.status != 200:
        raise OverreadError(f"{source.name}: answers the query with status {answer.status}")
    try:
        return [_values(match) for match in json.loads(answer.body or b"[]")][: MOST_STUDIES + MOST_SERIES]
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise OverreadError(f"{source.name}: answers the query with what is no DICOM JSON") from error


def _values(match: Mapping[str, Any]) -> Mapping[str, str]:
    values = {}
    for keyword in (*STUDY_KEYS, *SERIES_KEYS, "PatientID", "StudyDate"):
        found = match.get(f"{tag_for_keyword(keyword):08X}") or {}
        first = (found.get("Value") or [""])[0]
        values[keyword] = "" if isinstance(first, dict | list) or first is None else str(first)
    return values
