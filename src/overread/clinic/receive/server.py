"""The receiving side of the node: listeners, the lobby before them, and one thread for each association."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from overread.clinic.receive.allowed import admit
from overread.clinic.receive.contexts import VERIFICATION, choose_syntax, first_plain, is_storage
from overread.clinic.receive.conversation import Conversation
from overread.clinic.receive.limits import Associations, Holding, gives_way
from overread.clinic.receive.lobby import Lobby
from overread.clinic.receive.negotiate import (
    ACCEPTED,
    NO_ABSTRACT_SYNTAX,
    NO_TRANSFER_SYNTAX,
    Proposed,
    Refusal,
    Request,
    agree,
    parse_request,
    rejection,
)
from overread.clinic.receive.pdu import HEAD, ProtocolError, Reader, abort, configure
from overread.clinic.receive.services import Caller, Door, Services
from overread.clinic.receive.settings import Receive
from overread.clinic.receive.sparse import SparseLog
from overread.clinic.receive.tls import expiry_warnings, server_context
from overread.clinic.spool import Spool, Status, Stored
from overread.errors import InputError

BACKLOG = 128
STILL_SECONDS = 5.0
"""An association without a whole PDU for so long gives way to a caller that has none."""
DRAIN_SECONDS = 10.0
PROBE_BYTES = 1 << 20
QUIET_SECONDS = 1.0
log = SparseLog(logging.getLogger("overread.clinic.receive"))


class Server:
    """C-ECHO, C-STORE and further services on one or two ports.

    Parameters
    ----------
    spool
        Where instances go before success is answered.
    aet
        Our title; None takes any called title.
    on_stored
        Called with the result and the calling title after every C-STORE, before it is answered.
    on_released
        Called with the calling title and the studies of which it brought instances, when an association was released
        in good order.
    titles
        Calling titles that are accepted for every service, besides the rows of ``settings.peers``.
    least_free_bytes
        With less free on the spool's disk, instances are refused with A700.
    services
        Further services by abstract syntax.

    Raises
    ------
    InputError
        An address that cannot be listened on; certificates that cannot be read.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        aet: str | None,
        host: str,
        port: int,
        on_stored: Callable[[Stored, str], None],
        titles: Sequence[str] | None = None,
        maximum_associations: int = 50,
        settings: Receive,
        least_free_bytes: int = 0,
        on_released: Callable[[str, frozenset[str]], None] = lambda calling, studies: None,
        services: Services | None = None,
    ) -> None:
        self.spool, self.settings, self._least_free = spool, settings, least_free_bytes
        self._aet, self._titles, self._on_stored_by_caller = aet, titles, on_stored
        self._on_released = on_released
        self._services = services or {}
        self._places = Associations(total=maximum_associations, per_address=settings.associations_per_address)
        self._running: dict[int, tuple[Conversation, threading.Thread]] = {}
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._draining = threading.Event()
        self._failed = ""
        self._doors: list[Door] = []
        listeners = _listen(host, port, settings)
        self.port = int(listeners[0][0].getsockname()[1])
        self._lobby = Lobby(
            listeners, self._begin, places=settings.maximum_connections, seconds=settings.request_seconds
        )
        self._lobby.start()

    def trouble(self) -> str:
        """Why an instance would be refused just now; empty where it would not."""
        reason = self.no_room()
        if not reason and self._failed and _takes_writes(self.spool.folder):
            # Whoever waits for health before sending again would wait for ever for an instance to end the trouble.
            self._failed = ""
        return reason or self._failed

    def beside(self, door: Door) -> None:
        """Another way in, which opens and closes with this one."""
        self._doors.append(door)

    def certificate_warnings(self) -> list[str]:
        """One line for each of our certificates that has ended or ends soon."""
        lines = expiry_warnings(self.settings.tls)
        return list(dict.fromkeys(lines + [line for d in self._doors for line in d.certificate_warnings()]))

    def associations(self) -> int:
        """How many there are now."""
        return len(self._running)

    def arriving(self) -> frozenset[str]:
        """Studies that an association still open is bringing an instance of, or has within the idle time."""
        with self._lock:
            here = frozenset().union(
                *(c.bringing(self.settings.idle_seconds) for c, _ in self._running.values())
            )
        return here.union(*(door.arriving() for door in self._doors))

    def shutdown(self, drain_seconds: float = DRAIN_SECONDS) -> None:
        """Take no new association, let those there end, and then end them; what is acknowledged is kept.

        One that is silent between two instances for a second is ended at once.
        """
        self._draining.set()
        self._lobby.stop()
        closing = [
            threading.Thread(target=door.shutdown, args=(drain_seconds,), name="door-closing")
            for door in self._doors
        ]
        for thread in closing:
            thread.start()
        until = time.monotonic() + drain_seconds
        while self._running and time.monotonic() < until:
            for conversation, _ in list(self._running.values()):
                if conversation.between and time.monotonic() - conversation.moved > QUIET_SECONDS:
                    conversation.close()
            time.sleep(0.02)
        for conversation, _ in list(self._running.values()):
            conversation.close()
        for _, thread in list(self._running.values()):
            thread.join(timeout=drain_seconds)
        for thread in closing:
            thread.join(timeout=2 * drain_seconds + 1)

    def _begin(self, connection: socket.socket, address: str, data: bytes) -> bytes | None:
        """A whole A-ASSOCIATE-RQ has come: start its thread, or say what the peer is told."""
        length = int.from_bytes(data[2:6], "big")
        try:
            request = parse_request(data[HEAD.size : HEAD.size + length])
        except ProtocolError as error:
            log.warning("connection from %s: %s", address, error)
            return abort(error.reason)
        encrypted = isinstance(connection, ssl.SSLSocket)
        allowed = admit(
            request,
            address=address,
            encrypted=encrypted,
            aet=self._aet,
            titles=self._titles,
            rows=self.settings.peers,
        )
        if isinstance(allowed, Refusal):
            log.warning(
                "rejected %r from %s calling %r: %s", request.calling, address, request.called, allowed.name
            )
            return rejection(allowed)
        if not self._enter(address):
            log.warning(
                "rejected %r from %s: no association is free for this address", request.calling, address
            )
            return rejection(Refusal.LOCAL_LIMIT)
        try:
            return self._start(connection, address, request, data[HEAD.size + length :], allowed)
        except BaseException:
            self._places.leave(address)
            raise

    def _start(
        self,
        connection: socket.socket,
        address: str,
        request: Request,
        rest: bytes,
        allowed: frozenset[str],
    ) -> bytes | None:
        """The thread of an association that has a place; ``rest`` is what came after its request."""
        encrypted = isinstance(connection, ssl.SSLSocket)
        number = next(self._numbers)
        caller = Caller(f"{number}", request.calling, address, encrypted, _subject(connection))
        agreed, answer = agree(request, self._syntax_for)
        configure(connection, seconds=self.settings.idle_seconds)
        connection.setblocking(True)
        conversation = Conversation(
            connection,
            Reader(connection, rest, seconds=self.settings.pdu_seconds),
            caller,
            agreed=agreed,
            longest=request.maximum_pdu,
            spool=self.spool,
            services=self._services,
            allowed=allowed,
            longest_object=self.settings.maximum_object_mb << 20,
            no_room=self.no_room,
            on_stored=self.stored,
            on_released=self._on_released,
        )
        thread = threading.Thread(
            target=self._serve,
            args=(number, conversation, connection, answer),
            name=f"dicom-{number}",
            daemon=True,
        )
        with self._lock:
            self._running[number] = conversation, thread
        try:
            thread.start()
        except RuntimeError:
            with self._lock:
                del self._running[number]
            self._places.leave(address)
            return rejection(Refusal.CONGESTION)
        return None

    def _serve(
        self, number: int, conversation: Conversation, connection: socket.socket, answer: bytes
    ) -> None:
        try:
            with contextlib.suppress(OSError):
                connection.sendall(answer)
                conversation.serve()
        finally:
            connection.close()
            with self._lock:
                del self._running[number]
            self._places.leave(conversation.caller.address)

    def _enter(self, address: str) -> bool:
        if self._places.enter(address):
            return True
        if not self._places.full() or self._places.held(address):
            return False
        # All places are taken, and this caller has none: one that stands still gives way.
        still = time.monotonic() - STILL_SECONDS
        with self._lock:
            holdings = [Holding(n, c.caller.address, c.moved) for n, (c, _) in self._running.items()]
            key = gives_way(holdings, address)
            if key is None or self._running[key][0].moved > still:
                return False
            conversation = self._running[key][0]
        conversation.close()
        until = time.monotonic() + 1.0
        while self._places.full() and time.monotonic() < until:
            time.sleep(0.005)
        return self._places.enter(address)

    def _syntax_for(self, proposed: Proposed) -> tuple[int, str]:
        name = proposed.abstract_syntax
        if name == VERIFICATION or name in self._services:
            syntax = first_plain(proposed.transfer_syntaxes)
        elif is_storage(name):
            syntax = choose_syntax(proposed.transfer_syntaxes)
        else:
            return NO_ABSTRACT_SYNTAX, ""
        return (NO_TRANSFER_SYNTAX, "") if syntax is None else (ACCEPTED, syntax)

    def no_room(self) -> str:
        """Why an instance cannot be taken just now, or nothing."""
        if not self._least_free:
            return ""
        try:
            there = os.statvfs(self.spool.folder)
        except OSError as error:
            return f"the spool cannot be reached ({error.strerror})"
        free = there.f_bavail * there.f_frsize
        if free >= self._least_free:
            return ""
        return f"disk full: {free >> 20} MB free, {self._least_free >> 20} are kept free"

    def stored(self, stored: Stored, sender: str) -> None:
        """An instance was kept or refused, whichever way it came."""
        if stored.status is Status.SUCCESS:
            self._failed = ""
        elif stored.status is Status.OUT_OF_RESOURCES:
            self._failed = stored.comment
        self._on_stored_by_caller(stored, sender)


def _takes_writes(folder: Path) -> bool:
    """Whether the disk takes a block just now: after a refusal only a try can tell. It leaves nothing behind."""
    try:
        handle = os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o600)
        try:
            os.write(handle, bytes(PROBE_BYTES))
            os.fdatasync(handle)
        finally:
            os.close(handle)
    except OSError:
        return False
    return True


def _listen(host: str, port: int, settings: Receive) -> list[tuple[socket.socket, ssl.SSLContext | None]]:
    context = server_context(settings.tls) if settings.tls is not None else None
    listeners: list[tuple[socket.socket, ssl.SSLContext | None]] = []
    wanted = [(port, None)] + ([(settings.tls.port, context)] if settings.tls is not None else [])
    for number, used in wanted:
        try:
            family = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0][0]
            listeners.append((socket.create_server((host, number), family=family, backlog=BACKLOG), used))
        except (OSError, OverflowError) as error:
            for listener, _ in listeners:
                listener.close()
            raise InputError(
                f"{host}:{number}: cannot listen for DICOM ({error}); choose another host or port"
            ) from error
    return listeners


def _subject(connection: socket.socket) -> str:
    """The client certificate's subject, for the audit; empty where there is none."""
    if not isinstance(connection, ssl.SSLSocket):
        return ""
    certificate = connection.getpeercert() or {}
    subject: Any = certificate.get("subject", ())
    return ", ".join(f"{name}={value}" for part in subject for name, value in part)
