"""What the headers of compressed frames say, read without decoding them: size, colour transform, scan header.

Source: ITU-T T.81 (JPEG), T.87 (JPEG-LS), T.800 (JPEG 2000; the same markers in T.814, HTJ2K).
"""

from __future__ import annotations

import struct

from pydicom.uid import UID, JPEG2000TransferSyntaxes, JPEGTransferSyntaxes

J2K_START = b"\xff\x4f\xff\x51"
"""Start of codestream, and the marker of SIZ that must follow it (T.800 A.4.1, A.5.1)."""


def repair_scan(frame: bytes) -> bytes | None:
    """A sequential DCT JPEG of one scan with its end of spectral selection set to 63; None where it is right.

    Some encoders leave 0 there; the only permitted value of the sequential modes is 63 (ITU-T T.81 B.2.3,
    table B.3).
    """
    at, sequential = 2, False
    while at + 4 <= len(frame) and frame[at] == 0xFF:
        marker, length = frame[at + 1], int.from_bytes(frame[at + 2 : at + 4], "big")
        if marker in (0xC0, 0xC1):
            sequential = True
        if marker == 0xDA:
            end = at + 2 + length
            if not sequential or end > len(frame) or length < 6 or frame[end - 2] == 63:
                return None
            return frame[: end - 2] + b"\x3f" + frame[end - 1 :]
        at += 2 + length
    return None


def codestream_size(data: bytes) -> tuple[int, int, int] | None:
    """(rows, columns, components) that a JPEG, JPEG-LS or JPEG 2000 codestream claims; None without header.

    Read before decoding, because decoders allocate what the codestream claims. Source: ITU-T T.81 B.2.2
    (frame header), T.87 C.2.2, T.800 A.5.1 (SIZ).
    """
    if data[:2] != b"\xff\xd8":
        # A JP2 file (which DICOM forbids and some write) has boxes before the codestream.
        at = data.find(J2K_START, 0, 1024)
        if at < 0 or len(data) < at + 42:
            return None
        x1, y1, x0, y0 = struct.unpack(">4I", data[at + 8 : at + 24])
        return y1 - y0, x1 - x0, int.from_bytes(data[at + 40 : at + 42], "big")
    at = 2
    while at + 10 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFF:
            at += 1
        elif marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            rows, columns = struct.unpack(">2H", data[at + 5 : at + 9])
            return rows, columns, data[at + 9]
        else:
            at += 2 + length
    return None


def has_colour_transform(data: bytes) -> bool | None:
    """Whether a JPEG 2000 codestream transforms its components, so that a decoder gives RGB; None without header.

    Source: T.800 A.6.1 (COD: multiple component transformation) and annex G.
    """
    start = data.find(J2K_START, 0, 1024)
    if start < 0:
        return None
    at = start + 2
    while at + 9 <= len(data) and data[at] == 0xFF and data[at + 1] != 0x90:
        if data[at + 1] == 0x52:
            return data[at + 8] == 1
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def colour_model(kind: str, syntax: UID, frame: bytes) -> tuple[str, tuple[str, ...]]:
    """How the samples of a decoded colour frame are to be taken, and a sentence where its header says otherwise.

    ``kind`` is Photometric Interpretation (PS3.3 C.7.6.3.1.2), which many writers set wrong. A JPEG 2000 codestream
    with a colour transform gives RGB whatever the header says. JPEG streams hold the full-range YCbCr of JFIF where the
    header speaks of partial range or of the transforms of JPEG 2000.
    """
    if syntax in JPEG2000TransferSyntaxes:
        transformed = has_colour_transform(frame)
        if transformed and kind.startswith("YBR_") and kind not in ("YBR_ICT", "YBR_RCT"):
            note = f"PhotometricInterpretation is {kind}, but the codestream's own colour transform gives RGB"
            return "RGB", (note,)
        if transformed is False and kind in ("YBR_ICT", "YBR_RCT"):
            note = f"PhotometricInterpretation is {kind}, but the codestream transforms no colours: taken for RGB"
            return "RGB", (note,)
        return kind, ()
    if syntax in JPEGTransferSyntaxes and kind.startswith(("YBR_PARTIAL", "YBR_ICT", "YBR_RCT")):
        note = f"PhotometricInterpretation is {kind}, which a JPEG stream is not: taken for YBR_FULL"
        return "YBR_FULL_422", (note,)
    return kind, ()
