"""Look into an encoded data set without decoding it: is it whole, and whose is it?

Elements are walked by their lengths alone (PS3.5 sections 7.1 to 7.5 and A.4). The walk is iterative and
bounded in depth, so that hostile nesting costs nothing.
"""

from __future__ import annotations

import mmap
import struct
import tempfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID

from overread.imaging.dicom.files import INFLATE_LIMIT

DEFLATED = "1.2.840.10008.1.2.1.99"
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXELS = 0x7FE00008
"""Float Pixel Data, the first of the tags that hold pixels: little but padding follows them."""
AFTER_PIXELS = frozenset({0xE0, 0xE1, 0xFA, 0xFC})
"""First byte, in little endian, of the groups that may: more pixels, private ones, signatures, padding."""
MAX_DEPTH = 64
MAX_ELEMENTS = 2_000_000
"""More than any object has (an enhanced image of 5,000 frames has 250,000); more would keep a core busy for minutes."""
INFLATE_STEP = 1 << 20
# VRs whose explicit form has two reserved bytes and a 32-bit length (PS3.5 table 7.1-1).
LONG_VRS = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)


class NotWholeError(ValueError):
    """The data set does not follow the encoding rules, or ends before its last element does."""


@dataclass
class _Level:
    kind: str  # "items" (of a sequence), "fragments" (of pixel data) or "elements"
    end: int | None  # None: closed by a delimiter
    implicit: bool
    bound: int  # where the innermost level of known length ends


@dataclass(frozen=True)
class Encoding:
    """How a transfer syntax writes data sets (PS3.5 section 10)."""

    implicit: bool
    order: str
    deflated: bool


@lru_cache(maxsize=256)
def encoding_of(transfer_syntax: str) -> Encoding | None:
    """How a transfer syntax of the standard is encoded; None for all others."""
    # Looked up as text first: pydicom writes a warning for everything that is no UID, and peers send what they like.
    if UID_dictionary.get(transfer_syntax, ("", ""))[1] != "Transfer Syntax":
        return None
    syntax = UID(transfer_syntax)
    order = ">" if syntax == "1.2.840.10008.1.2.2" else "<"
    return Encoding(bool(syntax.is_implicit_VR), order, syntax == DEFLATED)


def elements(
    data: bytes | memoryview, transfer_syntax: str, wanted: Collection[int], *, scratch: Path | None = None
) -> dict[int, bytes]:
    """Values of the ``wanted`` top-level tags, after walking the whole data set; see `walk`."""
    return walk(data, transfer_syntax, wanted, scratch=scratch)[0]


def walk(
    data: bytes | memoryview, transfer_syntax: str, wanted: Collection[int], *, scratch: Path | None = None
) -> tuple[dict[int, bytes], int]:
    """Values of the ``wanted`` top-level tags, and where the data set ends.

    What follows it and is no beginning of an element (zeros that fill a block, a line break) is no part of it.

    Parameters
    ----------
    data
        The data set as on the wire: no preamble, no file meta information.
    transfer_syntax
        UID of the negotiated transfer syntax.
    wanted
        Tags as ``group << 16 | element``.
    scratch
        Folder for what a deflated data set unpacks to, so that it takes no memory; the system's own where None.

    Raises
    ------
    NotWholeError
        Truncated, nested deeper than 64 levels, more than 2,000,000 elements, an unknown structure, an unknown
        transfer syntax, or a deflated stream that is broken or unpacks to more than readers take.
    """
    encoding = encoding_of(transfer_syntax)
    if encoding is None:
        raise NotWholeError(
            f"transfer syntax {transfer_syntax} is not known, so neither is how it is encoded"
        )
    if encoding.deflated:
        with _inflated(data, scratch) as plain:
            return _walk(plain, False, encoding.order, wanted)[0], len(data)
    return _walk(data, encoding.implicit, encoding.order, wanted)


def _ends(data: bytes | memoryview, at: int, last: int, order: str) -> bool:
    """Whether nothing but what is no element follows from ``at`` on, after the top-level tag ``last``."""
    rest = len(data) - at
    if rest >= 8 and bytes(data[at : at + 8]) != bytes(8):
        return False
    if all(not bytes(data[i : i + INFLATE_STEP]).strip(b"\0") for i in range(at, len(data), INFLATE_STEP)):
        # A single zero may begin a tag of big endian.
        return order == "<" or rest != 1
    return rest < 8 and order == "<" and last >= PIXELS and data[at] not in AFTER_PIXELS


@contextmanager
def _inflated(data: bytes | memoryview, scratch: Path | None) -> Iterator[memoryview]:
    """A deflated data set (PS3.5 A.5), unpacked into a file without a name and never beyond what readers take."""
    stream, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    with tempfile.TemporaryFile(dir=scratch) as file:
        for start in range(0, len(data), INFLATE_STEP):
            block = bytes(data[start : start + INFLATE_STEP])
            while block and not stream.eof:
                try:
                    out = stream.decompress(block, INFLATE_STEP)
                except zlib.error as error:
                    raise NotWholeError(f"the deflated stream is broken ({error})") from error
                size += len(out)
                if size > INFLATE_LIMIT:
                    raise NotWholeError(f"the deflated stream unpacks to more than {INFLATE_LIMIT} bytes")
                file.write(out)
                block = stream.unconsumed_tail
        # What the window still holds comes with the next call, also without new input.
        while not stream.eof and (out := stream.decompress(b"", INFLATE_STEP)):
            size += len(out)
            if size > INFLATE_LIMIT:
                raise NotWholeError(f"the deflated stream unpacks to more than {INFLATE_LIMIT} bytes")
            file.write(out)
        if not stream.eof:
            raise NotWholeError("the deflated stream has no end")
        if not size:
            yield memoryview(b"")
            return
        file.flush()
        with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
            yield view


def _walk(
    data: bytes | memoryview, implicit: bool, order: str, wanted: Collection[int]
) -> tuple[dict[int, bytes], int]:
    found: dict[int, bytes] = {}
    size, at, last, count = len(data), 0, 0, 0
    tag_of = struct.Struct(order + "HH").unpack_from
    long_of = struct.Struct(order + "L").unpack_from
    short_of = struct.Struct(order + "H").unpack_from
    levels = [_Level("elements", size, implicit, size)]
    while True:
        level = levels[-1]
        if at == level.end:
            levels.pop()
            if not levels:
                return found, at
            continue
        if len(levels) == 1 and (size - at < 8 or data[at] == 0) and _ends(data, at, last, order):
            return found, at
        if at + 8 > size:
            raise NotWholeError(f"ends at byte {size}, inside or before an element that starts at byte {at}")
        count += 1
        if count > MAX_ELEMENTS:
            raise NotWholeError(f"more than {MAX_ELEMENTS} elements")
        group, number = tag_of(data, at)
        tag = group << 16 | number
        start = at
        if len(levels) == 1:
            last = tag
        if level.kind == "elements" and tag != ITEM_END:
            vr = b"" if level.implicit else bytes(data[at + 4 : at + 6])
            if not level.implicit and not (vr.isalpha() and vr.isupper()):
                # Some writers switch to implicit VR inside sequences.
                vr = b""
            if vr in LONG_VRS:
                if at + 12 > size:
                    raise NotWholeError(
                        f"ends at byte {size}, inside the header of ({group:04X},{number:04X})"
                    )
                length, at = long_of(data, at + 8)[0], at + 12
            elif vr:
                length, at = short_of(data, at + 6)[0], at + 8
            else:
                length, at = long_of(data, at + 4)[0], at + 8
            child = _child(tag, vr, level, length)
        else:
            length, at = long_of(data, at + 4)[0], at + 8
            if tag in (ITEM_END, SEQUENCE_END):
                if level.end is not None or (tag == ITEM_END) != (level.kind == "elements"):
                    raise NotWholeError(f"a delimiter without its beginning at byte {start}")
                levels.pop()
                continue
            if tag != ITEM:
                raise NotWholeError(f"found ({group:04X},{number:04X}) at byte {start}, expected an item")
            if level.kind == "fragments" and length == UNDEFINED:
                raise NotWholeError(f"a pixel data fragment without a length at byte {start}")
            child = (
                None if level.kind == "fragments" else _Level("elements", None, level.implicit, level.bound)
            )
        if length != UNDEFINED:
            end = at + length
            if end > level.bound:
                raise NotWholeError(
                    f"({group:04X},{number:04X}) runs to byte {end}, the data set ends at byte {level.bound}"
                )
            if len(levels) == 1 and tag in wanted:
                found[tag] = bytes(data[at:end])
            if tag == ITEM and child is not None:
                child.end = child.bound = end
            else:
                at, child = end, None
        if child is not None:
            if len(levels) >= MAX_DEPTH:
                raise NotWholeError(f"nested deeper than {MAX_DEPTH} levels at byte {start}")
            levels.append(child)


def _child(tag: int, vr: bytes, level: _Level, length: int) -> _Level | None:
    """What an element of undefined length holds."""
    if length != UNDEFINED:
        return None
    if vr in (b"OB", b"OW") and tag >> 16 == 0x7FE0:
        return _Level("fragments", None, False, level.bound)
    if vr in (b"SQ", b"UN", b""):
        # UN of undefined length is a sequence in implicit VR little endian (PS3.5 section 6.2.2 note 2).
        return _Level("items", None, level.implicit or vr != b"SQ", level.bound)
    raise NotWholeError(f"({tag >> 16:04X},{tag & 0xFFFF:04X}) {vr.decode('ascii', 'replace')} has no length")
