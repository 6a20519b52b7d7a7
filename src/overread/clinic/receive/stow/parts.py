"""The parts of one request, kept one after the other; and what the sender is told (PS3.18 section 10.5.3)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from pydicom.dataset import Dataset

from overread.clinic.receive.multipart import Begin, End, Multipart, MultipartError, media_type
from overread.clinic.receive.part10 import FileArriving
from overread.clinic.spool import Spool, Status, Stored

DICOM = "application/dicom"
RESPONSE_TYPE = "application/dicom+json"


@dataclass(frozen=True)
class Kept:
    """What became of one part; the UIDs are empty where it does not say them."""

    sop_class: str
    sop: str
    stored: Stored


@dataclass
class Parts:
    """Takes the body of a request in pieces. Not shared between threads.

    ``no_room`` says why an instance cannot be taken just now, or nothing; ``study`` is the one of the request's path.
    """

    spool: Spool
    multipart: Multipart
    sender: str
    longest: int
    study: str
    no_room: Callable[[], str]
    on_stored: Callable[[Stored, str], None]
    kept: list[Kept] = field(default_factory=list)
    fault: str = ""
    """Why the body is not well-formed; empty where it is."""
    _file: FileArriving | None = None
    _refused: Stored | None = None

    def feed(self, data: bytes) -> None:
        """The next piece of the body. Raises MultipartError where it is none."""
        for event in self.multipart.feed(data):
            if isinstance(event, Begin):
                self._begin(event)
            elif isinstance(event, End):
                self._end()
            elif self._file is not None:
                self._file.write(event)

    def finish(self) -> None:
        """The body has ended. Raises MultipartError where it is not whole."""
        self.multipart.finish()

    def discard(self) -> None:
        """Leave nothing behind of a part that did not end."""
        if self._file is not None:
            self._file.discard()
            self._file = None

    @property
    def studies(self) -> frozenset[str]:
        """Studies of which instances are here."""
        return frozenset(k.stored.study for k in self.kept if k.stored.status is Status.SUCCESS)

    def _begin(self, head: Begin) -> None:
        kind, _ = media_type(head.get("content-type", DICOM))
        reason = self.no_room()
        self._refused = None
        if kind != DICOM:
            self._refused = Stored(Status.CANNOT_UNDERSTAND, f"a part that is not {DICOM}")
        elif reason:
            self._refused = Stored(Status.OUT_OF_RESOURCES, reason[:64])
        if self._refused is None:
            self._file = FileArriving(self.spool, sender=self.sender, longest=self.longest, study=self.study)

    def _end(self) -> None:
        file, self._file = self._file, None
        if file is None:
            assert self._refused is not None
            self._note(Kept("", "", self._refused))
            return
        try:
            self._note(Kept(file.sop_class, file.sop, file.finish()))
        finally:
            file.discard()

    def _note(self, kept: Kept) -> None:
        self.kept.append(kept)
        self.on_stored(kept.stored, self.sender)


def http_status(kept: list[Kept], fault: str) -> int:
    """Status of the answer (PS3.18 table 10.5.3-1), and 507 where nothing was kept for want of room."""
    taken = [k for k in kept if k.stored.status is Status.SUCCESS]
    if taken:
        return 200 if len(taken) == len(kept) and not fault else 202
    if any(k.stored.status is Status.OUT_OF_RESOURCES for k in kept):
        return 507
    return 400 if fault or not kept else 409


def response(kept: list[Kept]) -> bytes:
    """The response in DICOM JSON (PS3.18 table I.2-1)."""
    answer, taken, failed, unnamed = Dataset(), [], [], []
    answer.RetrieveURL = None
    for one in kept:
        item = Dataset()
        if one.stored.status is not Status.SUCCESS:
            item.FailureReason = int(one.stored.status)
        if not one.sop or not one.sop_class:
            unnamed.append(item)
            continue
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = _uid(one.sop_class), _uid(one.sop)
        if one.stored.status is Status.SUCCESS:
            item.RetrieveURL = None
            taken.append(item)
        else:
            failed.append(item)
    for keyword, items in (
        ("ReferencedSOPSequence", taken),
        ("FailedSOPSequence", failed),
        ("OtherFailuresSequence", unnamed),
    ):
        if items:
            setattr(answer, keyword, items)
    return json.dumps(answer.to_json_dict()).encode()


def _uid(value: str) -> str:
    """Only what may stand in a UID: it comes from the sender."""
    return "".join(c for c in value if c in "0123456789.")


__all__ = ["Kept", "MultipartError", "Parts", "http_status", "response"]
