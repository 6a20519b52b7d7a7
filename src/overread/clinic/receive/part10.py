"""An instance that comes as a DICOM file (PS3.10): its meta information says what it is, the rest is kept."""

from __future__ import annotations

import io

from overread.clinic.encoded import encoding_of
from overread.clinic.keeping.arriving import Arriving
from overread.clinic.keeping.meta import LONGEST_META, read_meta
from overread.clinic.receive.contexts import is_storage
from overread.clinic.spool import Spool, Status, Stored, out_of_resources, safe_uid

META_HEAD_BYTES = 144
GROUP_LENGTH = b"DICM\x02\0\0\0UL\x04\0"


class FileArriving:
    """One instance on its way in. Not shared between threads.

    Parameters
    ----------
    study
        The study that it must belong to; empty: any.
    longest
        Bytes; a longer one is refused, and the rest of it dropped.
    """

    def __init__(self, spool: Spool, *, sender: str, longest: int, study: str = "") -> None:
        self.sop_class = self.sop = ""
        self._spool, self._sender, self._longest, self._study = spool, sender, longest, study
        self._head = bytearray()
        self._arriving: Arriving | None = None
        self._refused: Stored | None = None
        self._size = 0

    def write(self, piece: bytes) -> None:
        """The next piece; never raises, what goes wrong is in the result."""
        self._size += len(piece)
        if self._refused is not None:
            return
        if self._size > self._longest:
            self._refuse(Stored(Status.CANNOT_UNDERSTAND, f"longer than {self._longest >> 20} MB"))
            return
        try:
            if self._arriving is not None:
                self._arriving.write(piece)
                return
            self._head += piece
            self._look()
        except OSError as error:
            self._refuse(out_of_resources(error))
        except ValueError as error:
            self._refuse(Stored(Status.CANNOT_UNDERSTAND, str(error)[:64]))

    def finish(self) -> Stored:
        """It has come as a whole: kept, or refused and why."""
        if self._refused is None and self._arriving is None:
            self._refused = Stored(
                Status.CANNOT_UNDERSTAND, "no DICOM file, or cut off in its meta information"
            )
        if self._refused is not None:
            return self._refused
        assert self._arriving is not None
        return self._spool.keep(self._arriving, study=self._study)

    def discard(self) -> None:
        """Leave nothing behind. May be called at any time, also again."""
        if self._arriving is not None:
            self._arriving.discard()

    def _look(self) -> None:
        head = self._head
        if len(head) < META_HEAD_BYTES:
            return
        if head[128:140] != GROUP_LENGTH:
            raise ValueError("no DICOM file with File Meta Information Group Length")
        length = int.from_bytes(head[140:144], "little")
        if length > LONGEST_META:
            raise ValueError(f"file meta information of {length} bytes")
        begin = META_HEAD_BYTES + length
        if len(head) < begin:
            return
        kept = read_meta(io.BytesIO(head))
        self.sop_class, self.sop = kept.sop_class[:64], kept.sop[:64]
        self._refused = _refusal(kept.sop_class, kept.sop, kept.transfer_syntax)
        if self._refused is None:
            self._arriving = self._spool.begin(kept.sop_class, kept.sop, kept.transfer_syntax, self._sender)
            self._arriving.write(bytes(head[begin:]))
        self._head = bytearray()

    def _refuse(self, why: Stored) -> None:
        self._refused, self._head = why, bytearray()
        self.discard()


def _refusal(sop_class: str, sop: str, transfer_syntax: str) -> Stored | None:
    try:
        safe_uid(sop)
    except ValueError:
        return Stored(Status.INVALID_INSTANCE, "Media Storage SOP Instance UID is empty or no UID")
    if not is_storage(sop_class):
        return Stored(Status.CLASS_NOT_SUPPORTED, "Media Storage SOP Class UID is not one that is stored")
    if encoding_of(transfer_syntax) is None:
        return Stored(Status.SYNTAX_NOT_SUPPORTED, "transfer syntax not known")
    return None
