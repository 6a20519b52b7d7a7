"""Storage service class user: send files as they are, and say exactly what the other side answered."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.dataset import Dataset
from pynetdicom import _config
from pynetdicom.association import Association

from overread.clinic.associate import Peer, UnreachableError, associate
from overread.clinic.config_destinations import Tls
from overread.clinic.outgoing import Item, as_meant, dicom_files, item_of
from overread.errors import InputError

__all__ = ["Answer", "Peer", "SendResult", "UnreachableError", "echo", "parse_peer", "send_files"]
_config.LOG_HANDLER_LEVEL = "none"
# Files go out as they are, in pieces: decoding and encoding again could change what the sender wrote.
_config.STORE_SEND_CHUNKED_DATASET = True
MAXIMUM_CONTEXTS = 128
NOT_SUPPORTED = 0x0122  # SOP class not supported (PS3.7 annex C.5.6)
VERIFICATION = "1.2.840.10008.1.1"


@dataclass(frozen=True)
class Answer:
    """What the peer said about one file. ``status`` is None where it never answered."""

    path: Path
    sop: str
    status: int | None
    comment: str = ""

    @property
    def stored(self) -> bool:
        """Success or a warning (PS3.7 annex C): the peer has kept it."""
        return self.status is not None and (
            self.status == 0 or self.status >> 12 == 0xB or self.status in (1, 0x0107)
        )

    def __str__(self) -> str:
        status = "no answer" if self.status is None else f"status {self.status:#06x}"
        return f"{self.path}: {status}" + (f" ({self.comment})" if self.comment else "")


@dataclass(frozen=True)
class SendResult:
    """Answers in sending order, and the files that are not DICOM."""

    answers: tuple[Answer, ...] = ()
    skipped: tuple[Path, ...] = field(default=())

    @property
    def failed(self) -> tuple[Answer, ...]:
        """Files that the peer does not have."""
        return tuple(a for a in self.answers if not a.stored)


def parse_peer(text: str) -> Peer:
    """``AET@host:port`` (IPv6 hosts in brackets). Raises InputError where it is anything else."""
    match = re.fullmatch(r"([^@\\]{1,16})@(\[[0-9A-Fa-f:.%]+\]|[^@:\s\[\]]+):(\d{1,5})", text)
    if not match or not 1 <= int(match[3]) <= 65535 or not match[1].strip():
        raise InputError(f"{text!r} is not a node; expected AET@host:port, such as PACS@192.0.2.7:11112")
    return Peer(match[1].strip(), match[2].strip("[]"), int(match[3]))


def send_files(
    paths: Sequence[Path],
    peer: Peer,
    calling: str,
    *,
    timeout: float = 30.0,
    tls: Tls | None = None,
    on_answer: Callable[[int, int], None] = lambda done, total: None,
) -> SendResult:
    """Send files by C-STORE, each in its own SOP class and transfer syntax.

    Parameters
    ----------
    paths
        Files and folders. Files in a folder that are not DICOM are skipped and reported; a file named
        outright must be DICOM.
    timeout
        Seconds to wait for a connection, an association and each answer.
    tls
        Certificates of an encrypted connection.
    on_answer
        Called with how many files are done and how many there are.

    Raises
    ------
    InputError
        No such file, or a named file that is not DICOM.
    UnreachableError
        The peer does not answer or rejects the association.
    """
    named = {Path(p) for p in paths if Path(p).is_file()}
    batch: list[Item] = []
    skipped: list[Path] = []
    for path in dicom_files(paths):
        item = item_of(path)
        if item is not None:
            batch.append(item)
        elif path in named:
            raise InputError(
                f"{path}: not a DICOM file with SOP class, instance UID and transfer syntax; nothing was sent"
            )
        else:
            skipped.append(path)
    answers: list[Answer] = []
    for group in _by_contexts(batch):
        association = associate(
            peer, calling, {(item.sop_class, item.syntax) for item in group}, timeout, tls
        )
        try:
            for item in group:
                answers.append(_store(association, item))
                on_answer(len(answers), len(batch))
        finally:
            if association.is_established:
                association.release()
    return SendResult(tuple(answers), tuple(skipped))


def echo(peer: Peer, calling: str, timeout: float = 30.0, tls: Tls | None = None) -> int:
    """Status of a C-ECHO. Raises UnreachableError where there is no answer."""
    association = associate(peer, calling, {(VERIFICATION, "1.2.840.10008.1.2")}, timeout, tls)
    try:
        status = association.send_c_echo()
    finally:
        association.release()
    if "Status" not in status:
        raise UnreachableError(f"{peer}: the association broke before an answer came")
    return int(status.Status)


def _by_contexts(batch: list[Item]) -> Iterator[list[Item]]:
    """Groups of files that need at most 128 presentation contexts, the limit of one association."""
    group: list[Item] = []
    contexts: set[tuple[str, str]] = set()
    for item in batch:
        context = (item.sop_class, item.syntax)
        if context not in contexts and len(contexts) == MAXIMUM_CONTEXTS:
            yield group
            group, contexts = [], set()
        group.append(item)
        contexts.add(context)
    if group:
        yield group


def _store(association: Association, item: Item) -> Answer:
    accepted = {
        (str(c.abstract_syntax), str(t)) for c in association.accepted_contexts for t in c.transfer_syntax
    }
    if (item.sop_class, item.syntax) not in accepted:
        return Answer(item.path, item.sop, NOT_SUPPORTED, "SOP class or transfer syntax not accepted")
    if not association.is_established:
        return Answer(item.path, item.sop, None, "the association broke before")
    begun = time.monotonic()
    try:
        with as_meant(item) as path:
            status: Dataset = association.send_c_store(path)
    except (ValueError, AttributeError, RuntimeError, OSError) as error:
        return Answer(item.path, item.sop, None, f"cannot be sent: {' '.join(str(error).split())}")
    if "Status" not in status:
        waited = time.monotonic() - begun
        patience = association.dimse_timeout
        late = patience is not None and waited >= patience
        return Answer(
            item.path,
            item.sop,
            None,
            f"none within {patience:g} s" if late else "the association broke before an answer came",
        )
    return Answer(item.path, item.sop, int(status.Status), str(status.get("ErrorComment", "") or ""))
