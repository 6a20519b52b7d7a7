"""Results by C-STORE, each object by itself, and what says that the peer has them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence, Set
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID, ImplicitVRLittleEndian, generate_uid
from pynetdicom import evt

from overread.clinic.associate import Peer, UnreachableError, associate
from overread.clinic.config_destinations import Destination
from overread.clinic.outward.parcel import TAKEN, Parcel, Said
from overread.clinic.send import Answer, SendResult, send_files
from overread.files import write_json

OUT_OF_RESOURCES = 0xA7
STUDY_ROOT_FIND = UID("1.2.840.10008.5.1.4.1.2.2.1")
COMMITMENT, COMMITMENT_INSTANCE = UID("1.2.840.10008.1.20.1"), UID("1.2.840.10008.1.20.1.1")
PENDING = (0xFF00, 0xFF01)
ASKED = ".asked"
MOST_ASKED = 1000
"""Requests of one destination that are still without a report; of more the oldest are forgotten, and asked again."""
Send = Callable[..., SendResult]


def send(parcel: Parcel, destination: Destination, sender: Send = send_files) -> dict[str, Said]:
    """Offer the objects that the peer has not taken yet, then ask for what confirms it.

    Raises UnreachableError where there is no association to be had.
    """
    peer = Peer(destination.aet, destination.host, destination.port)
    fresh = [p for p in parcel.objects if p.name not in parcel.stored]
    said: dict[str, Said] = {}
    if fresh:
        result = sender(fresh, peer, parcel.calling, timeout=parcel.timeout, tls=destination.tls)
        said = {a.path.name: _judged(a, peer) for a in result.answers}
    if destination.confirm == "response":
        return said
    there = [p for p in parcel.objects if p.name in parcel.stored or said.get(p.name, Said()).taken]
    if there:
        confirm = found_by_query if destination.confirm == "query" else committed
        said.update(confirm(parcel, destination, there))
    return said


def _judged(answer: Answer, peer: Peer) -> Said:
    if answer.stored:
        return TAKEN
    status = "no answer" if answer.status is None else f"status {answer.status:#06x}"
    words = f"{peer}: {answer.path.name}: {status}" + (f" ({answer.comment})" if answer.comment else "")
    final = answer.status is not None and answer.status >> 8 != OUT_OF_RESOURCES
    return Said(refused=final, text=words)


def found_by_query(parcel: Parcel, destination: Destination, objects: Sequence[Path]) -> dict[str, Said]:
    """Ask for each object by C-FIND at the image level (PS3.4 C.6.2.1)."""
    peer = Peer(destination.aet, destination.host, destination.port)
    contexts = {(str(STUDY_ROOT_FIND), str(ImplicitVRLittleEndian))}
    association = associate(peer, parcel.calling, contexts, parcel.timeout, destination.tls)
    said = {}
    try:
        for path in objects:
            head = dcmread(path, stop_before_pixels=True)
            query = Dataset()
            query.QueryRetrieveLevel = "IMAGE"
            query.StudyInstanceUID, query.SeriesInstanceUID = head.StudyInstanceUID, head.SeriesInstanceUID
            query.SOPInstanceUID = head.SOPInstanceUID
            try:
                answers = list(association.send_c_find(query, STUDY_ROOT_FIND))
            except (ValueError, RuntimeError) as error:
                raise UnreachableError(f"{peer} answers no query: {error}") from error
            there = any(
                status.get("Status") in PENDING
                and found is not None
                and str(found.get("SOPInstanceUID", "")) == str(head.SOPInstanceUID)
                for status, found in answers
            )
            said[path.name] = (
                TAKEN
                if there
                else Said(stored=True, text=f"{peer}: {path.name}: stored, but not found by query yet")
            )
    finally:
        if association.is_established:
            association.release()
    return said


def committed(parcel: Parcel, destination: Destination, objects: Sequence[Path]) -> dict[str, Said]:
    """Ask the peer to commit itself (PS3.4 annex J); its report may come at once, or later on one of its associations.

    Reports that came on one of its own are kept by `keep_report`; those are looked at first.
    """
    peer = Peer(destination.aet, destination.host, destination.port)
    heads = {p.name: dcmread(p, stop_before_pixels=True) for p in objects}
    known, failed = kept_reports(_own(parcel, destination))
    missing = {n: h for n, h in heads.items() if str(h.SOPInstanceUID) not in known}
    if missing:
        now_known, now_failed = _ask(parcel, destination, peer, list(missing.values()))
        known, failed = known | now_known, (failed - known) | now_failed
    said = {}
    for name, head in heads.items():
        uid = str(head.SOPInstanceUID)
        if uid in known:
            said[name] = TAKEN
        elif uid in failed:
            # It does not have it after all: it is sent once more.
            said[name] = Said(refused=True, text=f"{peer}: {name}: storage commitment failed")
        else:
            said[name] = Said(
                stored=True, text=f"{peer}: {name}: stored, storage commitment not reported yet"
            )
    return said


def _ask(
    parcel: Parcel, destination: Destination, peer: Peer, heads: Sequence[Dataset]
) -> tuple[set[str], set[str]]:
    reported = threading.Event()
    result: list[tuple[set[str], set[str]]] = []

    def report(event: evt.Event) -> tuple[int, None]:
        result.append(sops_of_report(event.event_information))
        reported.set()
        return 0x0000, None

    association = associate(
        peer,
        parcel.calling,
        {(str(COMMITMENT), str(ImplicitVRLittleEndian))},
        parcel.timeout,
        destination.tls,
        [(evt.EVT_N_EVENT_REPORT, report)],
    )
    try:
        request = Dataset()
        request.TransactionUID = generate_uid(prefix=None)
        request.ReferencedSOPSequence = Items([_reference(h) for h in heads])
        asked = _note_asked(_own(parcel, destination), str(request.TransactionUID), heads)
        try:
            status, _ = association.send_n_action(request, 1, COMMITMENT, COMMITMENT_INSTANCE)
        except (ValueError, RuntimeError) as error:
            raise UnreachableError(f"{peer} gives no storage commitment: {error}") from error
        if status.get("Status") != 0:
            raise UnreachableError(f"{peer} gives no storage commitment: status {status.get('Status')}")
        # Not longer than any other answer is waited for: it may come later, on an association of the peer's.
        reported.wait(min(parcel.timeout, 5.0))
    finally:
        if association.is_established:
            association.release()
    if result and asked is not None:
        asked.unlink(missing_ok=True)
    return result[0] if result else (set(), set())


def _own(parcel: Parcel, destination: Destination) -> Path | None:
    """Where reports of this destination are kept: what one commits itself to says nothing of another."""
    return parcel.commitments / destination.name if parcel.commitments is not None else None


def _note_asked(folder: Path | None, transaction: str, heads: Sequence[Dataset]) -> Path | None:
    """Keep what is asked for, before it is: only to that will a report be an answer."""
    if folder is None:
        return None
    asked = folder / f"{transaction}{ASKED}"
    write_json(asked, sorted(str(h.SOPInstanceUID) for h in heads))
    for old in sorted(folder.glob(f"*{ASKED}"), key=lambda p: p.stat().st_mtime)[:-MOST_ASKED]:
        old.unlink(missing_ok=True)
    return asked


def _reference(head: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = head.SOPClassUID, head.SOPInstanceUID
    return item


def sops_of_report(information: Any) -> tuple[set[str], set[str]]:
    """SOP Instance UIDs that a commitment report calls safe, and those it calls failed."""
    good, bad = (
        {str(i.ReferencedSOPInstanceUID) for i in information.get(keyword) or []}
        for keyword in ("ReferencedSOPSequence", "FailedSOPSequence")
    )
    return good, bad


def keep_report(folder: Path, transaction: str, good: set[str], bad: set[str]) -> bool:
    """Keep what a peer has committed itself to, and what not, as told on an association of its own.

    Anybody who may call could say so: False, and nothing is kept, of a transaction that was never asked for, and of
    objects that were no part of it.
    """
    name = "".join(c for c in transaction if c in "0123456789.")[:64]
    asked = next(folder.glob(f"*/{name}{ASKED}"), None) if name == transaction else None
    if asked is None:
        return False
    wanted = set(json.loads(asked.read_text(encoding="utf-8")))
    report = asked.with_name(f"{name}.json")
    write_json(report, {"committed": sorted(good & wanted), "failed": sorted(bad & wanted)})
    asked.unlink(missing_ok=True)
    return True


def forget_reports(folder: Path, sops: Set[str]) -> None:
    """Remove what was reported of these objects: they are delivered, or are sent anew and so asked for anew."""
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        left = {key: sorted(set(content[key]) - sops) for key in ("committed", "failed")}
        if not any(left.values()):
            path.unlink(missing_ok=True)
        elif left != content:
            write_json(path, left)


def clear_reports(folder: Path, before: float) -> int:
    """Remove reports and questions that were last changed before a time (seconds since 1970); how many.

    Whoever still waits for one asks again.
    """
    old = [p for p in folder.glob("*/*") if p.suffix in (".json", ASKED) and p.stat().st_mtime < before]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def kept_reports(folder: Path | None) -> tuple[set[str], set[str]]:
    """What all kept reports say together."""
    good: set[str] = set()
    bad: set[str] = set()
    for path in sorted(folder.glob("*.json")) if folder is not None and folder.is_dir() else ():
        content = json.loads(path.read_text(encoding="utf-8"))
        good |= set(content["committed"])
        bad |= set(content["failed"])
    return good, bad - good
