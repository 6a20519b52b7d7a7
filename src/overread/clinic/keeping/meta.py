"""File meta information of what is kept (PS3.10 section 7.1), with a mark that says the data set behind it is whole.

The mark is private information (0002,0102): length and CRC-32 of the data set. Whatever stopped the machine, a file
of which the mark fits was whole before anybody was told so, and one of which it does not was told to nobody.
"""

from __future__ import annotations

import struct
import uuid
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple

PREFIX = b"\0" * 128 + b"DICM"
IMPLEMENTATION_UID = f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, 'overread implementation').int}"
IMPLEMENTATION_NAME = "OVERREAD_1"
MARK_CREATOR = f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, 'overread whole data set').int}"
MARK = struct.Struct("<QL")
"""Length in bytes, CRC-32."""
READ_STEP = 1 << 20
LONGEST_META = 64 * 1024


class Kept(NamedTuple):
    """A kept file's meta information: where its data set begins, and which it is."""

    begin: int
    sop_class: str
    sop: str
    transfer_syntax: str
    sender: str
    mark: tuple[int, int] | None


def encode_meta(
    *, sop_class: str, sop: str, transfer_syntax: str, sender: str = "", mark: tuple[int, int] = (0, 0)
) -> bytes:
    """Preamble, ``DICM`` and file meta information; the mark is its last 12 bytes."""
    uid = _text_uid
    parts = [
        _long(0x0001, b"OB", b"\0\1"),
        _short(0x0002, b"UI", uid(sop_class)),
        _short(0x0003, b"UI", uid(sop)),
        _short(0x0010, b"UI", uid(transfer_syntax)),
        _short(0x0012, b"UI", uid(IMPLEMENTATION_UID)),
        _short(0x0013, b"SH", IMPLEMENTATION_NAME.encode()),
    ]
    if sender:
        title = sender.encode("ascii", "replace")[:16]
        parts.append(_short(0x0016, b"AE", title + b" " * (len(title) % 2)))
    parts += [_short(0x0100, b"UI", uid(MARK_CREATOR)), _long(0x0102, b"OB", MARK.pack(*mark))]
    body = b"".join(parts)
    return PREFIX + _short(0x0000, b"UL", struct.pack("<L", len(body))) + body


def read_meta(file: BinaryIO) -> Kept:
    """Meta information of an open file. Raises ValueError where it has none that can be read."""
    head = file.read(144)
    if head[128:132] != b"DICM" or len(head) < 144:
        raise ValueError("no DICOM file")
    length = int.from_bytes(head[140:144], "little")
    if length > LONGEST_META:
        raise ValueError(f"file meta information of {length} bytes")
    body = file.read(length)
    found: dict[int, bytes] = {}
    at = 0
    while at + 8 <= len(body):
        group, element, vr, short = struct.unpack_from("<HH2sH", body, at)
        if vr in (b"OB", b"UN") and at + 12 <= len(body):
            size, at = struct.unpack_from("<L", body, at + 8)[0], at + 12
        else:
            size, at = short, at + 8
        if group == 0x0002:
            found[element] = body[at : at + size]
        at += size
    text = {n: v.decode("ascii", "replace").strip("\0 ") for n, v in found.items()}
    mine = text.get(0x0100) == MARK_CREATOR and len(found.get(0x0102, b"")) == MARK.size
    return Kept(
        144 + length,
        text.get(0x0002, ""),
        text.get(0x0003, ""),
        text.get(0x0010, ""),
        text.get(0x0016, ""),
        MARK.unpack(found[0x0102]) if mine else None,
    )


def is_whole(path: Path) -> Kept | None:
    """The meta information of a file whose data set is the one that was marked; None for any other."""
    try:
        with path.open("rb") as file:
            kept = read_meta(file)
            if kept.mark is None:
                return None
            size = check = 0
            while block := file.read(READ_STEP):
                size += len(block)
                check = zlib.crc32(block, check)
    except (OSError, ValueError):
        return None
    return kept if (size, check) == kept.mark and size else None


def _text_uid(value: str) -> bytes:
    data = value.encode("ascii", "replace")
    return data + b"\0" * (len(data) % 2)


def _short(element: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sH", 0x0002, element, vr, len(value)) + value


def _long(element: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sHL", 0x0002, element, vr, 0, len(value)) + value
