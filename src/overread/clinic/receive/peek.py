"""The study of an instance of which only the beginning has come."""

from __future__ import annotations

import struct

from overread.clinic.encoded import LONG_VRS, UNDEFINED, encoding_of
from overread.clinic.spool import UID_PATTERN

STUDY_UID = (0x0020, 0x000D)
LOOKED_AT_BYTES = 16 * 1024


def study_of_beginning(data: bytes, transfer_syntax: str) -> str:
    """Study Instance UID of a data set that has begun; empty where it cannot be told yet.

    Only elements of known length at the top are passed over, so a sequence of undefined length before it hides it.
    """
    encoding = encoding_of(transfer_syntax)
    if encoding is None or encoding.deflated:
        return ""
    order, size, at = encoding.order, min(len(data), LOOKED_AT_BYTES), 0
    while at + 12 <= size:
        tag = struct.unpack_from(order + "HH", data, at)
        vr = b"" if encoding.implicit else data[at + 4 : at + 6]
        if vr in LONG_VRS:
            length, at = struct.unpack_from(order + "L", data, at + 8)[0], at + 12
        elif vr:
            length, at = struct.unpack_from(order + "H", data, at + 6)[0], at + 8
        else:
            length, at = struct.unpack_from(order + "L", data, at + 4)[0], at + 8
        if tag >= STUDY_UID:
            found = data[at : at + length].decode("ascii", "replace").strip("\0 ")
            return found if tag == STUDY_UID and at + length <= size and UID_PATTERN.fullmatch(found) else ""
        if length == UNDEFINED:
            return ""
        at += length
    return ""
