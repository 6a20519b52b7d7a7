"""Files of boxes around a codestream (JP2, JPEG XL): only those boxes stay that a decoder needs.

DICOM wants the bare codestream of JPEG 2000 (PS3.5 A.4.4); some write whole files. Source: ITU-T T.800 annex I (JP2),
ISO/IEC 18181-2 clause 9 (JPEG XL file format).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from overread.deidentify.streams.errors import OtherwiseBuiltError
from overread.deidentify.streams.jpeg2000 import clean_codestream

JP2_START, JXL_START = b"\0\0\0\x0cjP  ", b"\0\0\0\x0cJXL "
JXL_BARE = b"\xff\x0a"
JP2 = {b"jP  ", b"ftyp", b"jp2h", b"jp2c"}
JP2_HEADER = {b"ihdr", b"bpcc", b"colr", b"pclr", b"cmap", b"cdef"}
JXL = {b"JXL ", b"ftyp", b"jxlc", b"jxlp", b"jxll"}
"""Without Exif, xml, jumb, brob (metadata) and jbrd (the comments of the JPEG that was packed anew)."""
SRGB, GRAY = 16, 17


def clean_jp2(frame: bytes) -> bytes:
    """A JP2 file of the boxes that are needed, its codestream without comments. Raises OtherwiseBuiltError."""
    return _kept(frame, JP2, {b"jp2c": clean_codestream, b"jp2h": _clean_header})


def clean_jpeg_xl(frame: bytes) -> bytes:
    """A JPEG XL file of the boxes that are needed. Raises OtherwiseBuiltError."""
    return _kept(frame, JXL, {})


def _clean_header(content: bytes) -> bytes:
    """The header box with an enumerated colour space instead of an ICC profile, whose texts may say anything."""
    boxes = dict(_boxes(content))
    gray = b"pclr" not in boxes and boxes.get(b"ihdr", b"")[8:10] == b"\0\1"

    def colour(spec: bytes) -> bytes:
        return spec[:7] if spec[:1] == b"\1" else b"\1\0\0" + (GRAY if gray else SRGB).to_bytes(4, "big")

    return _kept(content, JP2_HEADER, {b"colr": colour})


def _kept(data: bytes, wanted: set[bytes], change: dict[bytes, Callable[[bytes], bytes]]) -> bytes:
    out = bytearray()
    for kind, content in _boxes(data):
        if kind in wanted:
            new = change[kind](content) if kind in change else content
            out += (len(new) + 8).to_bytes(4, "big") + kind + new
    return bytes(out)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        length, kind, head = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if length == 1:
            length, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        end = at + length if length else len(data)
        if end > len(data) or end < at + head:
            raise OtherwiseBuiltError("boxes")
        yield kind, data[at + head : end]
        at = end
        if not data[at:].strip(b"\0"):
            # The padding of the fragment.
            return
    if at < len(data):
        raise OtherwiseBuiltError("boxes")
