"""A whole study from a DICOMweb archive by WADO-RS (PS3.18 section 10.4), taken apart as it comes."""

from __future__ import annotations

import math
import time
import urllib.error
import urllib.request
from typing import Any

from overread.clinic.associate import UnreachableError
from overread.clinic.outward.http import opener, secret
from overread.clinic.pull.retrieve import Retrieved
from overread.clinic.pull.settings import WebSource
from overread.clinic.receive.multipart import Begin, End, Multipart, MultipartError, media_type
from overread.clinic.receive.part10 import FileArriving
from overread.clinic.spool import Spool, Status, safe_uid
from overread.errors import OverreadError

ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'
SENDER = "WADO-RS"
STEP, MOST_PARTS = 1 << 16, 1_000_000


def fetch_study(
    source: WebSource, study: str, *, spool: Spool, longest: int, series: str = "", until: float = math.inf
) -> Retrieved:
    """Keep every instance that the archive sends of a study, or one ``series`` of it, in ``spool``; ``longest`` bytes
    each, none after ``until`` (seconds of `time.monotonic`).

    Raises UnreachableError where it does not answer or breaks off; OverreadError where it answers otherwise.
    """
    headers = {"Accept": ACCEPT}
    if source.token_file is not None:
        headers["Authorization"] = f"Bearer {secret(source.token_file).decode()}"
    path = f"/studies/{safe_uid(study)}" + (f"/series/{safe_uid(series)}" if series else "")
    request = urllib.request.Request(source.url + path, headers=headers)
    until = min(until, time.monotonic() + source.longest_seconds)
    patience = max(0.1, min(source.timeout_seconds, until - time.monotonic()))
    try:
        with opener(source.ca).open(request, timeout=patience) as answer:
            if answer.status == 204:
                return Retrieved(0, 0)
            problem = "" if answer.status == 200 else f"status {answer.status}"
            return _take(source, study, answer, spool, longest, problem, until)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 404:
                return Retrieved(0, 0)
            raise OverreadError(f"{source.name}: answers with status {error.code}") from error
    except (OverreadError, MultipartError) as error:
        if isinstance(error, OverreadError):
            raise
        raise UnreachableError(
            f"{source.name}: its answer is no multipart body, or cut off ({error})"
        ) from error
    except Exception as error:  # http.client raises types of its own for answers that are none
        reason = getattr(error, "reason", None) or error
        raise UnreachableError(f"{source.name}: cannot be reached, or broke off ({reason})") from error


def _take(
    source: WebSource, study: str, answer: Any, spool: Spool, longest: int, problem: str, until: float
) -> Retrieved:
    kind, parameters = media_type(answer.headers.get("Content-Type", ""))
    if kind != "multipart/related":
        raise OverreadError(f"{source.name}: answers with {kind}, expected {ACCEPT}")
    multipart = Multipart(parameters.get("boundary", ""), most_parts=MOST_PARTS)
    completed = failed = 0
    file: FileArriving | None = None
    try:
        while data := answer.read1(STEP):
            if time.monotonic() > until:
                raise UnreachableError(
                    f"{source.name}: took longer than it may (longest_seconds {source.longest_seconds:g})"
                )
            for event in multipart.feed(data):
                if isinstance(event, Begin):
                    file = FileArriving(spool, sender=SENDER, longest=longest, study=study)
                elif not isinstance(event, End):
                    assert file is not None
                    file.write(event)
                else:
                    assert file is not None
                    stored = file.finish()
                    completed += stored.status is Status.SUCCESS
                    failed += stored.status is not Status.SUCCESS
                    problem = problem or stored.comment
        multipart.finish()
    finally:
        if file is not None:
            file.discard()
    return Retrieved(completed, failed, problem)
