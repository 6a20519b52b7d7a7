"""Events of the chain of evidence, one after the other, to a syslog receiver over TLS.

Source: RFC 5424 (the message), RFC 5425 (TLS, octet counting), RFC 5426 for the sizes. The chain is the queue: how far
it was sent is kept in a file, so that neither a receiver that is away nor a restart loses an event. A message may come
twice after a crash.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from overread.clinic.audit.atna import message
from overread.clinic.audit.settings import Audit
from overread.files import atomic_path
from overread.ledger.ledger import Event, Ledger

# Facility 10 (security), severity 5 (notice): PS3.15 A.5.
PRIORITY = 10 * 8 + 5
BOM = b"\xef\xbb\xbf"
MESSAGE_ID = "DICOM+RFC3881"
LOOK_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
TIMEOUT_SECONDS = 10.0
AT_ONCE = 200
log = logging.getLogger(__name__)


def framed(event: Event, content: bytes, *, host: str, process: int) -> bytes:
    """One SYSLOG-MSG with its length before it."""
    head = f"<{PRIORITY}>1 {event.time.replace('+00:00', 'Z')} {host} overread {process} {MESSAGE_ID} - "
    whole = head.encode("ascii", "replace") + BOM + content
    return f"{len(whole)} ".encode() + whole


class AuditSender:
    """A thread that sends what was added to the chain since it last did.

    Parameters
    ----------
    position
        File with the number of the last event that was sent.
    patient_of
        Patient ID of a study by its UID; empty where it is not known.
    study_of
        Study Instance UID by the name that the chain has for it; empty where it is not known any more.
    """

    def __init__(
        self,
        settings: Audit,
        ledger: Ledger,
        position: Path,
        *,
        application: str,
        patient_of: Callable[[str], str],
        study_of: Callable[[str], str] = str,
    ) -> None:
        self._settings, self._ledger, self._position = settings, ledger, position
        self._application, self._patient_of, self._study_of = application, patient_of, study_of
        self._stop = threading.Event()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self.trouble = ""

    def start(self) -> None:
        """Begin; nothing happens where no receiver is named."""
        if self._settings.host:
            self._thread.start()

    def stop(self) -> None:
        """End after what is being sent; the rest is sent after the next start."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2 * TIMEOUT_SECONDS)
        self._close()

    def send_new(self) -> int:
        """Send what is new; how many. Raises OSError where the receiver is away."""
        last = self._last()
        events = self._ledger.events(after=last, limit=AT_ONCE)
        for event in events:
            study = self._study(event)
            patient = self._patient_of(study) if study else ""
            content = message(
                event,
                source=self._settings.source,
                application=self._application,
                patient=patient,
                study=study,
            )
            host = socket.gethostname()[:255] or "-"
            self._connection().sendall(framed(event, content, host=host, process=os.getpid()))
            last = event.seq
        if events:
            with atomic_path(self._position) as temporary:
                temporary.write_text(f"{last}\n", encoding="ascii")
        return len(events)

    def _run(self) -> None:
        pause = LOOK_SECONDS
        while not self._stop.wait(pause):
            try:
                pause = 0.0 if self.send_new() == AT_ONCE else LOOK_SECONDS
                self.trouble = ""
            except Exception as error:
                # Whatever it was, also a database that is away: a thread that has ended would send nothing more.
                self._close()
                pause = min(max(2 * pause, LOOK_SECONDS), LONGEST_PAUSE_SECONDS)
                said = (
                    f"audit messages cannot be sent to {self._settings.host}:{self._settings.port} ({error})"
                )
                if not self.trouble:
                    log.warning("%s; tried again until they can", said)
                self.trouble = said

    def _study(self, event: Event) -> str:
        name = json.loads(event.payload).get("study")
        return self._study_of(str(name)) if name else ""

    def _last(self) -> int:
        try:
            return int(self._position.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            # A receiver that is new gets the whole chain.
            return 0

    def _connection(self) -> socket.socket:
        if self._socket is not None and _closed(self._socket):
            self._close()
        if self._socket is None:
            assert self._settings.host is not None
            address = (self._settings.host, self._settings.port)
            plain = socket.create_connection(address, timeout=TIMEOUT_SECONDS)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._socket = self._secured(plain) if self._settings.tls else plain
        return self._socket

    def _secured(self, plain: socket.socket) -> socket.socket:
        context = ssl.create_default_context(cafile=self._settings.ca and str(self._settings.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self._settings.certificate is not None:
            context.load_cert_chain(self._settings.certificate, self._settings.key)
        try:
            return context.wrap_socket(plain, server_hostname=self._settings.host)
        except BaseException:
            plain.close()
            raise

    def _close(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None


def _closed(connection: socket.socket) -> bool:
    """Whether the receiver has hung up: it never says anything, so that anything to read is the end."""
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(TIMEOUT_SECONDS)
