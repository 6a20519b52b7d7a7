"""A whole study from an archive: by C-GET into a spool, or by C-MOVE to a node (PS3.4 sections C.4.2 and C.4.3)."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import StoragePresentationContexts, build_role, evt

from overread.clinic.associate import Peer, UnreachableError, associate
from overread.clinic.pull.settings import Source
from overread.clinic.spool import Spool, out_of_resources, safe_uid
from overread.errors import OverreadError

GET, MOVE = "1.2.840.10008.5.1.4.1.2.2.3", "1.2.840.10008.5.1.4.1.2.2.2"
IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
SYNTAXES = (
    EXPLICIT,
    IMPLICIT,
    "1.2.840.10008.1.2.4.50",  # JPEG baseline
    "1.2.840.10008.1.2.4.51",  # JPEG extended
    "1.2.840.10008.1.2.4.57",  # JPEG lossless
    "1.2.840.10008.1.2.4.70",  # JPEG lossless, first order
    "1.2.840.10008.1.2.4.80",  # JPEG-LS lossless
    "1.2.840.10008.1.2.4.81",  # JPEG-LS
    "1.2.840.10008.1.2.4.90",  # JPEG 2000 lossless
    "1.2.840.10008.1.2.4.91",  # JPEG 2000
    "1.2.840.10008.1.2.5",  # RLE
)
MOST_CONTEXTS = 128
"""Of one association (PS3.8 section 9.3.2.2: odd numbers of a byte)."""
OUT_OF_TIME = 0xA700
PENDING = (0xFF00, 0xFF01)


@dataclass(frozen=True)
class Retrieved:
    """What the archive says at the end: instances that were sent, and that could not be."""

    completed: int
    failed: int
    problem: str = ""


def get_study(
    source: Source, study: str, *, calling: str, spool: Spool, series: str = "", until: float = math.inf
) -> Retrieved:
    """Ask for a study, or one ``series`` of it, by C-GET. Every instance is kept in ``spool`` before the archive is
    answered; none after ``until`` (seconds of `time.monotonic`).

    Raises UnreachableError where the archive does not answer or breaks off; OverreadError where it does no C-GET.
    """
    classes = [str(c.abstract_syntax) for c in StoragePresentationContexts][: MOST_CONTEXTS - 1]
    contexts = {(GET, (EXPLICIT, IMPLICIT)), *((c, SYNTAXES) for c in classes)}
    association = associate(
        Peer(source.aet, source.host, source.port),
        calling,
        contexts,
        source.timeout_seconds,
        source.tls,
        [(evt.EVT_C_STORE, partial(_keep, spool, study, source.aet, until))],
        roles=[build_role(c, scp_role=True) for c in classes],
    )
    try:
        asked = _identifier(study, series)
        return _ask(association, GET, lambda: association.send_c_get(asked, GET), source, until)
    finally:
        _end(association, until)


def move_study(
    source: Source, study: str, *, calling: str, series: str = "", until: float = math.inf
) -> Retrieved:
    """Ask by C-MOVE that a study, or one ``series`` of it, be sent to the node of the title ``calling``.

    Raises as `get_study`.
    """
    association = associate(
        Peer(source.aet, source.host, source.port),
        calling,
        {(MOVE, (EXPLICIT, IMPLICIT))},
        source.timeout_seconds,
        source.tls,
    )
    try:
        asked = _identifier(study, series)
        return _ask(association, MOVE, lambda: association.send_c_move(asked, calling, MOVE), source, until)
    finally:
        _end(association, until)


def _end(association: Any, until: float) -> None:
    """In good order, unless there is no time for it."""
    if time.monotonic() > until:
        association.abort()
    else:
        association.release()


def _identifier(study: str, series: str) -> Dataset:
    ds = Dataset()
    ds.QueryRetrieveLevel, ds.StudyInstanceUID = "STUDY", safe_uid(study)
    if series:
        ds.QueryRetrieveLevel, ds.SeriesInstanceUID = "SERIES", safe_uid(series)
    return ds


def _ask(association: Any, model: str, send: Any, source: Source, until: float) -> Retrieved:
    if not any(c.abstract_syntax == model for c in association.accepted_contexts):
        raise OverreadError(
            f"{source.name}: does no {'C-GET' if model == GET else 'C-MOVE'}; set retrieve otherwise"
        )
    completed = failed = 0
    answers: Iterable[tuple[Dataset, Dataset | None]] = send()
    for status, _ in answers:
        if time.monotonic() > until:
            raise UnreachableError(f"{source.name}: took longer than it may")
        if "Status" not in status:
            raise UnreachableError(
                f"{source.name}: broke off, or was silent for {source.timeout_seconds:g} s"
            )
        completed = max(completed, int(status.get("NumberOfCompletedSuboperations") or 0))
        failed = max(failed, int(status.get("NumberOfFailedSuboperations") or 0))
        if status.Status in PENDING:
            continue
        problem = "" if status.Status == 0 else f"status {status.Status:#06x}"
        return Retrieved(completed, failed, f"{problem} {status.get('ErrorComment', '')}".strip())
    raise UnreachableError(f"{source.name}: broke off before its last answer")


def _keep(spool: Spool, study: str, sender: str, until: float, event: Any) -> int:
    """One instance that an archive sends; only of the study that was asked for, and in time."""
    request = event.request
    if time.monotonic() > until:
        event.assoc.abort()
        return OUT_OF_TIME
    arriving = spool.begin(
        str(request.AffectedSOPClassUID),
        str(request.AffectedSOPInstanceUID),
        event.context.transfer_syntax,
        sender,
    )
    try:
        arriving.write(request.DataSet.getvalue())
    except OSError as error:
        arriving.discard()
        return int(out_of_resources(error).status)
    return int(spool.keep(arriving, study=study).status)
