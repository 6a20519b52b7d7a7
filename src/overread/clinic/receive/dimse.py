"""DIMSE command sets (PS3.7 annex E): always implicit VR little endian, always group 0000."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum

LONGEST_COMMAND = 16 * 1024
"""A C-STORE-RQ has about 200 bytes; an N-ACTION-RQ or C-MOVE-RQ not many more."""
NO_DATA_SET = 0x0101
RESPONSE = 0x8000

SOP_CLASS, REQUESTED_SOP_CLASS = 0x0002, 0x0003
FIELD, MESSAGE, ANSWERED = 0x0100, 0x0110, 0x0120
DATA_SET_TYPE, STATUS, COMMENT = 0x0800, 0x0900, 0x0902
SOP_INSTANCE, REQUESTED_SOP_INSTANCE = 0x1000, 0x1001
EVENT_TYPE, ACTION_TYPE = 0x1002, 0x1008
SHORTS = frozenset({FIELD, MESSAGE, ANSWERED, DATA_SET_TYPE, STATUS, EVENT_TYPE, ACTION_TYPE, 0x0700, 0x1020})
COMMENT_LENGTH = 64


class Command(IntEnum):
    """Command fields of requests."""

    C_STORE = 0x0001
    C_GET = 0x0010
    C_FIND = 0x0020
    C_MOVE = 0x0021
    C_ECHO = 0x0030
    N_EVENT_REPORT = 0x0100
    N_ACTION = 0x0130
    C_CANCEL = 0x0FFF


class Code(IntEnum):
    """General status codes (PS3.7 annex C)."""

    SUCCESS = 0x0000
    PROCESSING_FAILURE = 0x0110
    INVALID_INSTANCE = 0x0117
    CLASS_NOT_SUPPORTED = 0x0122
    NO_SUCH_ACTION = 0x0123
    NOT_AUTHORIZED = 0x0124
    UNRECOGNIZED_OPERATION = 0x0211
    MISTYPED_ARGUMENT = 0x0212
    PENDING = 0xFF00


@dataclass
class CommandSet:
    """Values by element of group 0000; ``whole`` is False where it ends inside an element or is no command set."""

    shorts: dict[int, int] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    whole: bool = True

    @property
    def field(self) -> int | None:
        """Command Field."""
        return self.shorts.get(FIELD)

    @property
    def has_data(self) -> bool:
        """Whether a data set follows; one that does not say so is taken to have one, as are all but 0101."""
        return self.shorts.get(DATA_SET_TYPE, 0) != NO_DATA_SET


def parse(data: bytes | bytearray) -> CommandSet:
    """Read a command set, as much of it as there is."""
    found = CommandSet()
    at, size = 0, len(data)
    while at < size:
        if at + 8 > size:
            found.whole = False
            break
        group, element, length = struct.unpack_from("<HHL", data, at)
        at += 8
        if group or length > size - at:
            found.whole = False
            break
        value = bytes(data[at : at + length])
        at += length
        if element in SHORTS:
            if length == 2:
                found.shorts[element] = int.from_bytes(value, "little")
            else:
                found.whole = False
        elif element:
            found.texts[element] = value.decode("ascii", "replace").strip("\0 ")
    return found


def encode(values: dict[int, int | str]) -> bytes:
    """A command set of these elements, in their order, with its group length."""
    body = bytearray()
    for element, value in sorted(values.items()):
        if isinstance(value, int):
            content = value.to_bytes(2, "little")
        else:
            content = value.encode("ascii", "replace")
            pad = b" " if element == COMMENT else b"\0"
            content += pad * (len(content) % 2)
        body += struct.pack("<HHL", 0, element, len(content)) + content
    return struct.pack("<HHLL", 0, 0, 4, len(body)) + bytes(body)


def answer(request: CommandSet, status: int, comment: str = "", *, data_set: bool = False) -> bytes:
    """The response to a request: its UIDs and message come back."""
    values: dict[int, int | str] = {
        FIELD: (request.field or 0) | RESPONSE,
        ANSWERED: request.shorts.get(MESSAGE, 0),
        DATA_SET_TYPE: 0x0001 if data_set else NO_DATA_SET,
        STATUS: status,
    }
    for asked, told in (
        (SOP_CLASS, SOP_CLASS),
        (REQUESTED_SOP_CLASS, SOP_CLASS),
        (SOP_INSTANCE, SOP_INSTANCE),
        (REQUESTED_SOP_INSTANCE, SOP_INSTANCE),
    ):
        text = request.texts.get(asked, "")
        # What is no UID is not repeated: it may be longer than an answer could be.
        if 0 < len(text) <= 64:
            values[told] = text
    if ACTION_TYPE in request.shorts:
        values[ACTION_TYPE] = request.shorts[ACTION_TYPE]
    if comment:
        values[COMMENT] = comment.encode("ascii", "replace").decode()[:COMMENT_LENGTH]
    return encode(values)
