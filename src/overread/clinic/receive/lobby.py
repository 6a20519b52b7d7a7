"""Connections that have not yet asked for an association: one thread for all of them, and no cost for each.

A connection is a socket and a few bytes here until its A-ASSOCIATE-RQ is whole. Health checks that connect and leave,
peers that say nothing, drip bytes or speak another protocol never get a thread, an association or much memory.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from overread.clinic.receive.limits import Holding, block_of, gives_way
from overread.clinic.receive.pdu import (
    HEAD,
    Kind,
    ProtocolError,
    Reason,
    abort,
    acknowledge_at_once,
    check_head,
)
from overread.clinic.receive.sparse import SparseLog

TICK_SECONDS = 0.5
LEAVING_SECONDS = 2.0
"""How long a peer that was turned away may take to close, so that it can read why."""
PAUSE_SECONDS = 0.2
"""Without handles for new connections: time for others to end."""
READ_BYTES = 64 * 1024
log = SparseLog(logging.getLogger("overread.clinic.receive"))
Begin = Callable[[socket.socket, str, bytes], bytes | None]
"""Takes over a connection with its whole request, or gives what its peer is told before it is closed."""


@dataclass
class _Waiting:
    connection: socket.socket
    address: str
    since: float
    data: bytearray = field(default_factory=bytearray)
    handshake: bool = False
    leaving: bool = False


class Lobby:
    """Accept connections, and hand over those that ask for an association.

    Parameters
    ----------
    listeners
        Listening sockets, each with the TLS context of its connections, or None.
    places
        How many connections may wait here.
    seconds
        How long one may take to ask.
    """

    def __init__(
        self,
        listeners: Sequence[tuple[socket.socket, ssl.SSLContext | None]],
        begin: Begin,
        *,
        places: int,
        seconds: float,
    ) -> None:
        self._begin, self._places, self._seconds = begin, places, seconds
        self._selector = selectors.DefaultSelector()
        self._listeners = [listener for listener, _ in listeners]
        self._waiting: dict[int, _Waiting] = {}
        self._stop = threading.Event()
        self._wake, self._waker = socket.socketpair()
        self._wake.setblocking(False)
        self._selector.register(self._wake, selectors.EVENT_READ, None)
        for listener, context in listeners:
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ, (listener, context))
        self._thread = threading.Thread(target=self._run, name="dicom-lobby", daemon=True)

    def start(self) -> None:
        """Begin to accept."""
        self._thread.start()

    def stop(self) -> None:
        """Accept nobody any more, and close what waits."""
        self._stop.set()
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")
        if self._thread.is_alive():
            self._thread.join()
        for waiting in list(self._waiting.values()):
            self._close(waiting)
        for s in (*self._listeners, self._wake, self._waker):
            s.close()
        self._selector.close()

    def __len__(self) -> int:
        return len(self._waiting)

    def _run(self) -> None:
        looked = time.monotonic()
        while not self._stop.is_set():
            for key, _ in self._selector.select(TICK_SECONDS):
                try:
                    if isinstance(key.data, _Waiting):
                        self._read(key.data)
                    elif key.data is not None:
                        self._accept(*key.data)
                except Exception:
                    # Whatever one connection does, the others must be let in.
                    logging.getLogger(__name__).exception("a waiting connection met an error")
                    if isinstance(key.data, _Waiting):
                        self._close(key.data)
            if time.monotonic() - looked > TICK_SECONDS:
                looked = time.monotonic()
                for waiting in list(self._waiting.values()):
                    if looked - waiting.since > (LEAVING_SECONDS if waiting.leaving else self._seconds):
                        self._close(waiting)

    def _accept(self, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        try:
            connection, peer = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionError):
            return
        except OSError as error:
            log.warning("no connection can be accepted (%s)", error)
            self._stop.wait(PAUSE_SECONDS)
            return
        address = str(peer[0])
        if len(self._waiting) >= self._places and not self._make_room(address):
            connection.close()
            return
        connection.setblocking(False)
        if context is not None:
            connection = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        waiting = _Waiting(connection, address, time.monotonic(), handshake=context is not None)
        self._waiting[id(waiting)] = waiting
        self._selector.register(connection, selectors.EVENT_READ, waiting)

    def _make_room(self, newcomer: str) -> bool:
        holdings = [Holding(key, w.address, w.since) for key, w in self._waiting.items()]
        key = gives_way(holdings, newcomer)
        if key is None:
            own = [h for h in holdings if block_of(h.address) == block_of(newcomer)]
            key = min(own, key=lambda h: h.since).key if own else None
        if key is None:
            return False
        self._close(self._waiting[key])
        return True

    def _read(self, waiting: _Waiting) -> None:
        try:
            if waiting.handshake:
                waiting.connection.do_handshake()  # type: ignore[attr-defined]
                waiting.handshake = False
            while True:
                got = waiting.connection.recv(READ_BYTES)
                if not got:
                    self._close(waiting)
                    return
                if waiting.leaving:
                    # What comes after a refusal is dropped, a piece at a time: the others are waiting.
                    return
                waiting.data += got
                if self._complete(waiting):
                    return
        except ssl.SSLWantReadError:
            self._wait_for(waiting, selectors.EVENT_READ)
        except ssl.SSLWantWriteError:
            self._wait_for(waiting, selectors.EVENT_WRITE)
        except (BlockingIOError, InterruptedError):
            with contextlib.suppress(OSError):
                acknowledge_at_once(waiting.connection)
        except ssl.SSLError as error:
            log.warning("TLS with %s failed: %s", waiting.address, error.reason or error)
            self._close(waiting)
        except OSError:
            self._close(waiting)

    def _wait_for(self, waiting: _Waiting, events: int) -> None:
        self._selector.modify(waiting.connection, events, waiting)

    def _complete(self, waiting: _Waiting) -> bool:
        """Whether the connection is out of our hands, because its request is whole or it broke the protocol."""
        data = waiting.data
        if len(data) < HEAD.size:
            return False
        kind, length = HEAD.unpack_from(data)
        try:
            check_head(kind, length)
            if kind != Kind.ASSOCIATE_RQ:
                raise ProtocolError(Reason.UNEXPECTED_PDU, f"PDU type {kind:#04x} before an association")
        except ProtocolError as error:
            log.warning("connection from %s: %s", waiting.address, error)
            self._turn_away(waiting, abort(error.reason))
            return False
        if len(data) < HEAD.size + length:
            return False
        self._selector.unregister(waiting.connection)
        told = self._begin(waiting.connection, waiting.address, bytes(data))
        if told is None:
            del self._waiting[id(waiting)]
            return True
        self._selector.register(waiting.connection, selectors.EVENT_READ, waiting)
        self._turn_away(waiting, told)
        return False

    def _turn_away(self, waiting: _Waiting, told: bytes) -> None:
        waiting.leaving, waiting.since = True, time.monotonic()
        waiting.data = bytearray()
        with contextlib.suppress(OSError):
            waiting.connection.send(told)
            if not isinstance(waiting.connection, ssl.SSLSocket):
                waiting.connection.shutdown(socket.SHUT_WR)

    def _close(self, waiting: _Waiting) -> None:
        self._waiting.pop(id(waiting), None)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(waiting.connection)
        waiting.connection.close()
