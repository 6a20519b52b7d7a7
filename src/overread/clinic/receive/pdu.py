"""Protocol data units of the DICOM upper layer (PS3.8 section 9.3): heads read within limits, short ones written."""

from __future__ import annotations

import socket
import struct
import sys
import time
from enum import IntEnum
from typing import NamedTuple

MAXIMUM_PDU = 256 * 1024
"""Longest P-DATA-TF that we offer to take, without its head of 6 bytes."""
LONGEST_REQUEST = 256 * 1024
"""Of an A-ASSOCIATE-RQ: 128 presentation contexts with every transfer syntax of the standard take half of it."""
HEAD = struct.Struct(">BxL")
QUICKACK = getattr(socket, "TCP_QUICKACK", None) if sys.platform == "linux" else None


class Kind(IntEnum):
    """PDU types."""

    ASSOCIATE_RQ = 0x01
    ASSOCIATE_AC = 0x02
    ASSOCIATE_RJ = 0x03
    DATA = 0x04
    RELEASE_RQ = 0x05
    RELEASE_RP = 0x06
    ABORT = 0x07


LONGEST = {Kind.RELEASE_RQ: 4, Kind.RELEASE_RP: 4, Kind.ABORT: 4, Kind.ASSOCIATE_RQ: LONGEST_REQUEST}


class Reason(IntEnum):
    """Why the service provider aborts (PS3.8 table 9-26)."""

    NOT_SPECIFIED = 0
    UNRECOGNIZED_PDU = 1
    UNEXPECTED_PDU = 2
    UNRECOGNIZED_PARAMETER = 4
    UNEXPECTED_PARAMETER = 5
    INVALID_PARAMETER = 6


class ProtocolError(Exception):
    """The peer broke the protocol: it gets an A-ABORT with ``reason``."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class GoneError(Exception):
    """The peer closed the connection, or was silent or slow for too long."""


class Pdv(NamedTuple):
    """One presentation data value; ``data`` is valid until the next PDU is read."""

    context: int
    command: bool
    last: bool
    data: memoryview


def check_head(kind: int, length: int) -> None:
    """Refuse a PDU before anything of it is taken. Raises ProtocolError."""
    if not 1 <= kind <= 7:
        raise ProtocolError(Reason.UNRECOGNIZED_PDU, f"PDU type {kind:#04x}")
    longest = LONGEST.get(Kind(kind), MAXIMUM_PDU)
    if length > longest:
        raise ProtocolError(
            Reason.INVALID_PARAMETER, f"PDU of {length} bytes, type {kind:#04x}; at most {longest} are taken"
        )


def values(body: memoryview) -> list[Pdv]:
    """The presentation data values of a P-DATA-TF. Raises ProtocolError."""
    found: list[Pdv] = []
    at, size = 0, len(body)
    while at < size:
        if at + 6 > size:
            raise ProtocolError(Reason.INVALID_PARAMETER, "P-DATA ends inside the head of a value")
        length = int.from_bytes(body[at : at + 4], "big")
        end = at + 4 + length
        if length < 2 or end > size:
            raise ProtocolError(
                Reason.INVALID_PARAMETER, f"a value of {length} bytes in a P-DATA of {size} bytes"
            )
        flags = body[at + 5]
        found.append(Pdv(body[at + 4], bool(flags & 1), bool(flags & 2), body[at + 6 : end]))
        at = end
    if not found:
        raise ProtocolError(Reason.INVALID_PARAMETER, "P-DATA without a value")
    return found


def data_pdus(context: int, data: bytes, *, command: bool, longest: int) -> bytes:
    """``data`` as P-DATA-TF PDUs of at most ``longest`` bytes (0: no limit), one value each."""
    room = max(longest - 6, 64) if longest else max(len(data), 1)
    out = bytearray()
    for start in range(0, max(len(data), 1), room):
        piece = data[start : start + room]
        flags = command | (start + room >= len(data)) << 1
        out += (
            HEAD.pack(Kind.DATA, len(piece) + 6) + struct.pack(">LBB", len(piece) + 2, context, flags) + piece
        )
    return bytes(out)


def abort(reason: Reason) -> bytes:
    """A-ABORT by the service provider."""
    return HEAD.pack(Kind.ABORT, 4) + bytes((0, 0, 2, reason))


def release_answer() -> bytes:
    """A-RELEASE-RP."""
    return HEAD.pack(Kind.RELEASE_RP, 4) + bytes(4)


def configure(connection: socket.socket, *, seconds: float) -> None:
    """Options of an accepted connection: small answers at once, dead peers noticed, no call without an end.

    Nagle's algorithm on the sender's side with delayed acknowledgements on ours costs 40 to 90 ms for each instance.
    """
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    whole = int(seconds)
    interval = struct.pack("ll", whole, int((seconds - whole) * 1e6))
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        connection.setsockopt(socket.SOL_SOCKET, option, interval)


def acknowledge_at_once(connection: socket.socket) -> None:
    """Acknowledge what has come now; Linux falls back to waiting after a while."""
    if QUICKACK is not None:
        connection.setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)


class Reader:
    """PDUs from a blocking socket into one buffer that is used again and again.

    Parameters
    ----------
    connection
        A socket with a receive timeout: how long the peer may be silent.
    begun
        What was read of it already.
    seconds
        How long one PDU may take from its first byte, however it drips.
    """

    def __init__(self, connection: socket.socket, begun: bytes, *, seconds: float) -> None:
        self._connection, self._seconds = connection, seconds
        self._buffer = bytearray(max(MAXIMUM_PDU + HEAD.size, len(begun)) + 64 * 1024)
        self._view = memoryview(self._buffer)
        self._buffer[: len(begun)] = begun
        self._start, self._end = 0, len(begun)
        self.between = True
        """Whether no byte of a further PDU has come."""

    def read(self) -> tuple[Kind, memoryview]:
        """The next PDU; its body is valid until the next call. Raises ProtocolError, GoneError."""
        self.between = self._start == self._end
        self._need(HEAD.size, None)
        self.between = False
        until = time.monotonic() + self._seconds
        kind, length = HEAD.unpack_from(self._buffer, self._start)
        check_head(kind, length)
        self._need(HEAD.size + length, until)
        begin = self._start + HEAD.size
        self._start = begin + length
        return Kind(kind), self._view[begin : self._start]

    def _need(self, count: int, until: float | None) -> None:
        while self._end - self._start < count:
            if self._start and self._start + count > len(self._buffer):
                rest = self._end - self._start
                self._buffer[:rest] = self._buffer[self._start : self._end]
                self._start, self._end = 0, rest
            elif self._start == self._end:
                self._start = self._end = 0
            if self._end > self._start and until is None:
                until = time.monotonic() + self._seconds
            try:
                got = self._connection.recv_into(self._view[self._end :])
                acknowledge_at_once(self._connection)
            except OSError as error:
                raise GoneError(f"silent for too long, or broken ({error})") from error
            if not got:
                raise GoneError("closed by the peer")
            self._end += got
            if until is not None and time.monotonic() > until and self._end - self._start < count:
                raise GoneError(f"one PDU took more than {self._seconds:g} s")
