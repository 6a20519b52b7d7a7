"""Storage service class provider: C-ECHO and C-STORE, answered when the instance is safe."""

from __future__ import annotations

import logging
import shlex
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, _config, evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode_file_meta
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]
from pynetdicom.transport import ThreadedAssociationServer
from rich.console import Console

from overread.clinic.spool import Spool, Status, Stored
from overread.errors import InputError, printable
from overread.files import only_mine, open_to_others

# Whole requests in a log would be patient data in a log.
_config.LOG_HANDLER_LEVEL = "none"
# What goes wrong is answered, raised or returned here; the library's own log would say it once more.
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
# Storage classes are proposed under UIDs of their makers, too, and under those of later editions of the standard:
# whatever can be encoded can be kept. Our own contexts then only count for other services.
_config.UNRESTRICTED_STORAGE_SERVICE = True
MAXIMUM_PDU = 256 * 1024
NETWORK_TIMEOUT_SECONDS = 60.0
PREFIX = b"\0" * 128 + b"DICM"
ENCODINGS = frozenset(map(str, ALL_TRANSFER_SYNTAXES))
OnStored = Callable[[Stored, str], None]


def no_delay(event: evt.Event) -> None:
    """Send small answers at once: Nagle's algorithm with delayed acknowledgement costs 40 ms per instance."""
    carrier = event.assoc.dul.socket
    if carrier is not None and carrier.socket is not None:
        carrier.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _known_encodings(event: evt.Event) -> None:
    """Let only encodings be negotiated that the standard defines: an unrestricted service takes the first proposed.

    A context that has none is turned into one that is refused for its transfer syntaxes (PS3.8 table 9-18).
    """
    proposal = event.assoc.requestor.primitive
    assert proposal is not None, "an association is requested by a proposal"
    for context in proposal.presentation_context_definition_list:
        known: list[str | bytes | UID] = [s for s in context.transfer_syntax if str(s) in ENCODINGS]
        if known:
            context.transfer_syntax = known
        else:
            context.abstract_syntax = Verification


def start_storage(
    spool: Spool,
    *,
    aet: str,
    host: str,
    port: int,
    on_stored: OnStored,
    peers: list[str] | None = None,
    any_called: bool = False,
    maximum_associations: int = 50,
) -> ThreadedAssociationServer:
    """Listen for C-ECHO and C-STORE in threads of this process.

    Parameters
    ----------
    spool
        Where instances go before success is answered.
    aet
        Our title; associations called otherwise are rejected unless ``any_called``.
    on_stored
        Called with the result and the calling title after every C-STORE.
    peers
        Calling titles that are accepted; None accepts any.

    Raises
    ------
    InputError
        The address cannot be listened on.
    """
    ae = AE(ae_title=aet)
    ae.maximum_associations = maximum_associations
    ae.maximum_pdu_size = MAXIMUM_PDU
    ae.network_timeout = NETWORK_TIMEOUT_SECONDS
    ae.require_called_aet = not any_called
    ae.require_calling_aet = peers or []
    ae.add_supported_context(Verification)

    def store(event: evt.Event) -> Dataset:
        stored = _store(event, spool)
        on_stored(stored, str(event.assoc.requestor.ae_title).strip())
        answer = Dataset()
        answer.Status = int(stored.status)
        if stored.comment:
            answer.ErrorComment = stored.comment.encode("ascii", "replace").decode()
        return answer

    handlers: list[Any] = [
        (evt.EVT_C_STORE, store),
        (evt.EVT_CONN_OPEN, no_delay),
        (evt.EVT_REQUESTED, _known_encodings),
    ]
    try:
        server = ae.start_server((host, port), block=False, evt_handlers=handlers)
    except (OSError, OverflowError) as error:
        raise InputError(
            f"{host}:{port}: cannot listen for DICOM ({error}); choose another host or port"
        ) from error
    return cast(ThreadedAssociationServer, server)


def _store(event: evt.Event, spool: Spool) -> Stored:
    request = cast(C_STORE, event.request)
    sop_class, sop = str(request.AffectedSOPClassUID), str(request.AffectedSOPInstanceUID)
    syntax = str(event.context.transfer_syntax)
    try:
        meta = PREFIX + encode_file_meta(event.file_meta)
    except (ValueError, AttributeError) as error:
        return Stored(Status.DOES_NOT_MATCH, f"command: {error}"[:64])
    return spool.store(meta, event.encoded_dataset(include_meta=False), sop_class, sop, syntax)


def wait_for_stop() -> None:
    """Return when the process is asked to stop (SIGTERM or SIGINT). Only in the main thread."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(0.5):
        pass


def warn_if_open(folder: Path, console: Console) -> None:
    """Say so where a folder of patients' images that was there before lets others in."""
    if open_to_others(folder):
        console.print(
            f"note: others may look into {folder} (mode {folder.stat().st_mode & 0o777:04o}), which holds images of "
            f"patients; chmod -R go= {shlex.quote(str(folder))} ends that",
            markup=False,
        )


@only_mine()
def receive_command(out: Path, host: str, port: int, aet: str) -> None:
    """A plain storage node, until stopped: writes ``out/<study>/<sop>.dcm`` and names each arrival.

    What it keeps is for its own user alone.
    """
    console = Console(highlight=False, soft_wrap=True)
    spool = Spool(Path(out))

    def arrived(stored: Stored, calling: str) -> None:
        if stored.status is Status.SUCCESS:
            told = "stored" if stored.new else "already here"
            text = f"{told} from {calling}: {spool.path(stored.study, stored.sop)}"
        else:
            text = f"refused from {calling}: {stored.status:#06x} {stored.comment}"
        console.print(printable(text), markup=False)

    warn_if_open(spool.folder, console)
    server = start_storage(
        spool, aet=aet, host=host, port=port, on_stored=arrived, any_called=True, maximum_associations=100
    )
    console.print(
        f"{aet} listens on {host}:{port}, keeps what comes in {out}; stop with Ctrl+C", markup=False
    )
    try:
        wait_for_stop()
        console.print("stopping")
    finally:
        server.shutdown()
