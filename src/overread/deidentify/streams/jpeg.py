"""JPEG and JPEG-LS without comments and application data; of what is kept, only the bytes that are defined.

Source: ITU-T T.81 B.1.1.3 (markers) and B.2.4, T.87 C.1 (JPEG-LS), JFIF 1.02 (APP0), T.872 6.5.3 (APP14 of Adobe).
"""

from __future__ import annotations

from overread.deidentify.streams.errors import OtherwiseBuiltError

START = b"\xff\xd8"
EOI, SOS, APP0, APP8, APP14 = 0xD9, 0xDA, 0xE0, 0xE8, 0xEE
NEEDED = {*range(0xC0, 0xD0), SOS, *range(0xDB, 0xE0), 0xF7, 0xF8}
"""Frame headers, tables, scans, restart interval and number of lines; SOF55 and LSE of JPEG-LS."""


def clean_jpeg(frame: bytes) -> bytes:
    """A JPEG or JPEG-LS stream without APPn and COM segments, and without what follows its end.

    Stay: APP0 of JFIF without its thumbnail, APP8 with the colour transform of JPEG-LS, APP14 with that of Adobe. An
    ICC profile (APP2) goes: DICOM has an attribute for it. Raises OtherwiseBuiltError.
    """
    out, at, scanned = bytearray(frame[:2]), 2, False
    while at + 2 <= len(frame):
        if frame[at] != 0xFF:
            break
        marker = frame[at + 1]
        if marker == EOI:
            return bytes(out + b"\xff\xd9")
        if marker == 0xFF:
            at += 1
            continue
        end = at + 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
        if end > len(frame) or end < at + 4:
            break
        content = frame[at + 4 : end]
        if marker == SOS:
            end, scanned = _next_marker(frame, end), True
        if marker in NEEDED:
            out += frame[at:end]
        elif kept := _application(marker, content):
            out += bytes([0xFF, marker]) + (len(kept) + 2).to_bytes(2, "big") + kept
        at = end
    if not scanned or at < len(frame):
        raise OtherwiseBuiltError("JPEG")
    # Without end of image, as some encoders leave it: the scan goes on to the end.
    return bytes(out)


def _application(marker: int, content: bytes) -> bytes:
    """What of an application segment says how the samples are to be shown."""
    if marker == APP0 and content.startswith(b"JFIF\0") and len(content) >= 14:
        return content[:12] + b"\0\0"
    if marker == APP8 and content.startswith(b"mrfx") and len(content) >= 5:
        return content[:5]
    if marker == APP14 and content.startswith(b"Adobe") and len(content) >= 12:
        return content[:12]
    return b""


def _next_marker(frame: bytes, at: int) -> int:
    """Where the entropy-coded data that begins at ``at`` ends: at a marker other than a restart."""
    while (at := frame.find(b"\xff", at)) >= 0 and at + 1 < len(frame):
        # 0 is a stuffed byte, and JPEG-LS stuffs a bit: anything below 0x80 belongs to the data.
        if frame[at + 1] < 0x80 or 0xD0 <= frame[at + 1] <= 0xD7:
            at += 2
        elif frame[at + 1] == 0xFF:
            at += 1
        else:
            return at
    return len(frame)
