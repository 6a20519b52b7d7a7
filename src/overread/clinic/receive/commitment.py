"""Storage commitment, push model (PS3.4 annex J): as provider for what we keep, and the reports on what we asked for.

A request is answered at once, for what was acknowledged is on the disk. The report goes to the address in the
caller's row of ``receive.peers``, on an association of its own; without one it follows on the same association.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from overread.clinic.receive import dimse
from overread.clinic.receive.contexts import COMMITMENT
from overread.clinic.receive.dimse import Code, Command, CommandSet
from overread.clinic.receive.negotiate import Agreed
from overread.clinic.receive.owed import Owed
from overread.clinic.receive.services import Caller, Reply, Service
from overread.clinic.receive.settings import PeerRow
from overread.clinic.spool import Spool

INSTANCE = "1.2.840.10008.1.20.1.1"
REQUEST_COMMITMENT = 1
ALL_KEPT, SOME_MISSING = 1, 2
NO_SUCH_INSTANCE, CLASS_CONFLICT = 0x0112, 0x0119
RESOURCE_LIMITATION = 0x0213
IMPLICIT = "1.2.840.10008.1.2"


@dataclass(frozen=True)
class Report:
    """What is committed and what is not: pairs of SOP Class and Instance UID, the failed ones with a reason."""

    transaction: str
    kept: tuple[tuple[str, str], ...]
    failed: tuple[tuple[str, str, int], ...] = ()


OnReport = Callable[[Report], None]


def decode(data: bytes, agreed: Agreed) -> Dataset:
    """A data set of this context. Raises ValueError."""
    try:
        return dcmread(io.BytesIO(_file(data, agreed.transfer_syntax)), force=True)
    except Exception as error:
        raise ValueError(f"the data set cannot be read ({error})") from error


def encode(dataset: Dataset, transfer_syntax: str) -> bytes:
    """The data set in an uncompressed little endian syntax."""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, transfer_syntax == IMPLICIT
    write_dataset(buffer, dataset)
    return buffer.getvalue()


def read_request(data: bytes, agreed: Agreed) -> tuple[str, list[tuple[str, str]]]:
    """Transaction UID, and pairs of SOP Class and Instance UID. Raises ValueError where one is missing."""
    ds = decode(data, agreed)
    try:
        pairs = [
            (str(i.ReferencedSOPClassUID), str(i.ReferencedSOPInstanceUID)) for i in ds.ReferencedSOPSequence
        ]
        return str(ds.TransactionUID), pairs
    except (AttributeError, TypeError) as error:
        raise ValueError(
            "no Transaction UID, or no Referenced SOP Sequence with class and instance"
        ) from error


def look_up(spool: Spool, transaction: str, wanted: list[tuple[str, str]]) -> Report:
    """What of ``wanted`` is kept."""
    kept, failed = [], []
    for sop_class, sop in wanted:
        entry = spool.entry(sop)
        if entry is None or not spool.path(entry.study, sop).exists():
            failed.append((sop_class, sop, NO_SUCH_INSTANCE))
        elif entry.sop_class != sop_class:
            failed.append((sop_class, sop, CLASS_CONFLICT))
        else:
            kept.append((sop_class, sop))
    return Report(transaction, tuple(kept), tuple(failed))


def as_dataset(report: Report) -> Dataset:
    """The data set of an N-EVENT-REPORT (PS3.4 table J.3-3)."""
    ds = Dataset()
    ds.TransactionUID = report.transaction
    for keyword, rows in (("ReferencedSOPSequence", report.kept), ("FailedSOPSequence", report.failed)):
        items = []
        for row in rows:
            item = Dataset()
            item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = row[0], row[1]
            if len(row) > 2:
                item.FailureReason = row[2]
            items.append(item)
        if items:
            setattr(ds, keyword, items)
    return ds


def read_report(data: bytes, agreed: Agreed) -> Report:
    """A report that we were sent. Raises ValueError."""
    ds = decode(data, agreed)
    rows = {
        keyword: [
            (str(i.get("ReferencedSOPClassUID", "")), str(i.get("ReferencedSOPInstanceUID", "")), i)
            for i in ds.get(keyword) or []
        ]
        for keyword in ("ReferencedSOPSequence", "FailedSOPSequence")
    }
    return Report(
        str(ds.get("TransactionUID", "")),
        tuple((c, s) for c, s, _ in rows["ReferencedSOPSequence"]),
        tuple((c, s, int(i.get("FailureReason") or 0)) for c, s, i in rows["FailedSOPSequence"]),
    )


def commitment_services(
    spool: Spool,
    *,
    aet: str,
    peers: list[PeerRow],
    owed: Owed | None = None,
    on_report: OnReport | None = None,
) -> Mapping[str, Service]:
    """The service for `overread.clinic.receive.server.Server`.

    Parameters
    ----------
    aet
        Our title, for associations that we open to report.
    peers
        Rows that may name where a caller listens.
    owed
        Keeps reports for callers that listen until they have them; without it each is told once.
    on_report
        Called with reports on commitments that we asked for ourselves.
    """
    places = {row.aet: row for row in peers if row.host and row.port}

    def answer(request: CommandSet, data: bytes, agreed: Agreed, caller: Caller) -> Iterator[Reply]:
        if request.field == Command.N_EVENT_REPORT:
            report = read_report(data, agreed)
            if on_report is not None:
                on_report(report)
            yield Reply(Code.SUCCESS)
            return
        if request.shorts.get(dimse.ACTION_TYPE) != REQUEST_COMMITMENT:
            yield Reply(Code.NO_SUCH_ACTION)
            return
        transaction, wanted = read_request(data, agreed)
        if owed is not None and caller.title in places:
            # Kept before the request is taken: what was promised is told.
            kept = owed.add(caller.title, asdict(look_up(spool, transaction, wanted)))
            yield Reply(Code.SUCCESS if kept else RESOURCE_LIMITATION)
            return
        yield Reply(Code.SUCCESS)

    def afterwards(
        request: CommandSet, data: bytes, agreed: Agreed, caller: Caller
    ) -> Iterator[tuple[bytes, bytes]]:
        if request.field != Command.N_ACTION or request.shorts.get(dimse.ACTION_TYPE) != REQUEST_COMMITMENT:
            return
        place = places.get(caller.title)
        if place is not None and owed is not None:
            return
        report = look_up(spool, *read_request(data, agreed))
        if place is not None:
            threading.Thread(target=tell, args=(report, place, aet), name="commitment", daemon=True).start()
            return
        command = dimse.encode(
            {
                dimse.SOP_CLASS: COMMITMENT,
                dimse.FIELD: Command.N_EVENT_REPORT,
                dimse.MESSAGE: 1,
                dimse.DATA_SET_TYPE: 0x0001,
                dimse.SOP_INSTANCE: INSTANCE,
                dimse.EVENT_TYPE: SOME_MISSING if report.failed else ALL_KEPT,
            }
        )
        yield command, encode(as_dataset(report), agreed.transfer_syntax)

    commands = frozenset({int(Command.N_ACTION), int(Command.N_EVENT_REPORT)})
    return {COMMITMENT: Service("commit", commands, answer, afterwards)}


def report_of(plain: Mapping[str, Any]) -> Report:
    """A report from what `dataclasses.asdict` gave of it, also after JSON."""
    return Report(
        str(plain["transaction"]),
        tuple((str(c), str(s)) for c, s in plain["kept"]),
        tuple((str(c), str(s), int(reason)) for c, s, reason in plain["failed"]),
    )


def owed_reports(folder: Path, peers: list[PeerRow], aet: str) -> Owed:
    """What we owe to callers that listen."""
    places = {row.aet: row for row in peers if row.host and row.port}
    return Owed(folder, places, lambda plain, place: tell(report_of(plain), place, aet))


def tell(report: Report, place: PeerRow, aet: str) -> str:
    """Report on an association of our own: as provider, so with the roles turned round (PS3.4 J.3.3).

    Why it was not taken, or nothing.
    """
    from pynetdicom import AE, build_role

    assert place.host is not None
    assert place.port is not None
    ae = AE(ae_title=aet)
    ae.connection_timeout = ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
    ae.add_requested_context(COMMITMENT, IMPLICIT)
    association = ae.associate(
        place.host, place.port, ae_title=place.aet, ext_neg=[build_role(COMMITMENT, scp_role=True)]
    )
    if not association.is_established:
        return f"no association with {place.host}:{place.port}"
    try:
        status, _ = association.send_n_event_report(
            as_dataset(report), SOME_MISSING if report.failed else ALL_KEPT, COMMITMENT, INSTANCE
        )
        if "Status" not in status:
            return "no answer"
        return f"status {status.Status:#06x}" if status.Status else ""
    except (ValueError, RuntimeError) as error:
        return str(error)
    finally:
        association.release()


def _file(data: bytes, transfer_syntax: str) -> bytes:
    from overread.clinic.keeping.meta import encode_meta

    return encode_meta(sop_class=COMMITMENT, sop=INSTANCE, transfer_syntax=transfer_syntax) + data
