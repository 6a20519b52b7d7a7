"""Multipart bodies (RFC 2046 section 5.1) as a stream: what waits in memory is one head, or less than one delimiter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message
from enum import Enum, auto

LONGEST_HEAD_BYTES = 16 * 1024
LONGEST_PADDING_BYTES = 256
BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")


class MultipartError(ValueError):
    """What came is no multipart body, or more of it than may come."""


class Begin(dict[str, str]):
    """A part begins; its head by names in lower case."""


class End:
    """The part has come as a whole."""


Event = Begin | bytes | End


class _At(Enum):
    PREAMBLE = auto()
    DELIMITER = auto()
    HEAD = auto()
    BODY = auto()
    EPILOGUE = auto()


def media_type(value: str) -> tuple[str, dict[str, str]]:
    """A Content-Type's type and parameters, names in lower case (RFC 9110 section 8.3)."""
    message = Message()
    message["Content-Type"] = re.sub(r"[^ -~]", " ", value)
    parameters = message.get_params(failobj=[]) or []
    return message.get_content_type(), {str(k).lower(): str(v) for k, v in parameters[1:]}


class Multipart:
    """Takes pieces of a body as they come, and gives the parts in it.

    Parameters
    ----------
    boundary
        As the Content-Type has it.
    most_parts
        With more of them the body is refused.

    Raises
    ------
    MultipartError
        A boundary that is none; from ``feed`` and ``finish``, a body that is not well-formed or not whole.
    """

    def __init__(self, boundary: str, *, most_parts: int) -> None:
        if not BOUNDARY.fullmatch(boundary):
            raise MultipartError("the boundary is not 1 to 70 characters of those that RFC 2046 allows")
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        # The first delimiter has no line before it.
        self._buffer = bytearray(b"\r\n")
        self._at = _At.PREAMBLE
        self._most, self._parts = most_parts, 0

    @property
    def parts(self) -> int:
        """How many have begun."""
        return self._parts

    def feed(self, data: bytes) -> Iterator[Event]:
        """What the next piece of the body brings. To be read to its end."""
        self._buffer += data
        while (found := self._step()) is not None:
            yield from found

    def finish(self) -> None:
        """The body has ended. Raises MultipartError where its closing delimiter has not come."""
        if self._at is not _At.EPILOGUE:
            raise MultipartError("the body ended before its closing delimiter")

    def _step(self) -> list[Event] | None:
        """Go on by one step; None where more must come first."""
        buffer = self._buffer
        match self._at:
            case _At.PREAMBLE | _At.BODY:
                return self._to_delimiter()
            case _At.DELIMITER:
                if buffer.startswith(b"--"):
                    self._at = _At.EPILOGUE
                    return []
                if len(buffer) < 2:
                    return None
                end = buffer.find(b"\r\n", 0, LONGEST_PADDING_BYTES)
                if buffer[: end if end >= 0 else None].strip(b" \t\r") or (
                    end < 0 and len(buffer) >= LONGEST_PADDING_BYTES
                ):
                    raise MultipartError("a delimiter goes on in its line")
                if end < 0:
                    return None
                del buffer[:end]
                self._at = _At.HEAD
                return []
            case _At.HEAD:
                end = buffer.find(b"\r\n\r\n", 0, LONGEST_HEAD_BYTES)
                if end < 0:
                    if len(buffer) >= LONGEST_HEAD_BYTES:
                        raise MultipartError(f"a part's head of more than {LONGEST_HEAD_BYTES} bytes")
                    return None
                self._parts += 1
                if self._parts > self._most:
                    raise MultipartError(f"more than {self._most} parts")
                head = _head(bytes(buffer[2:end]))
                del buffer[: end + 4]
                self._at = _At.BODY
                return [head]
            case _At.EPILOGUE:
                buffer.clear()
                return None

    def _to_delimiter(self) -> list[Event] | None:
        buffer, inside = self._buffer, self._at is _At.BODY
        end = buffer.find(self._delimiter)
        if end < 0:
            sure = len(buffer) - len(self._delimiter) + 1
            if sure <= 0:
                return None
            piece = bytes(buffer[:sure])
            del buffer[:sure]
            return [piece] if inside else []
        piece = bytes(buffer[:end])
        del buffer[: end + len(self._delimiter)]
        self._at = _At.DELIMITER
        if not inside:
            return []
        return [piece, End()] if piece else [End()]


def _head(data: bytes) -> Begin:
    head = Begin()
    for line in data.decode("latin-1").split("\r\n") if data else []:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise MultipartError("a line in a part's head is no header")
        head[name.strip().lower()] = value.strip()
    return head
