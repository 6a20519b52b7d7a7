"""JPEG 2000 and HTJ2K codestreams without comments.

Source: ITU-T T.800 A.2 (markers), A.4.2 (SOT), A.7.1 (TLM), A.9.2 (COM); the same markers in T.814.
"""

from __future__ import annotations

from overread.deidentify.streams.errors import OtherwiseBuiltError

START = b"\xff\x4f\xff\x51"
SOT, SOD, EOC = b"\xff\x90", b"\xff\x93", b"\xff\xd9"
COM, TLM = 0x64, 0x55


def clean_codestream(frame: bytes) -> bytes:
    """A codestream without COM in its main header and in its tile-part headers, and without what follows its end.

    The lengths that tile-parts state are corrected; the list of them in the main header (TLM), which decoders need not
    have, goes where one of them changed. Raises OtherwiseBuiltError.
    """
    main, at = _header(frame, 2, SOT)
    parts: list[bytes] = []
    changed = False
    while frame[at : at + 2] == SOT:
        stated = int.from_bytes(frame[at + 6 : at + 10], "big")
        if frame[at + 2 : at + 4] != b"\0\x0a":
            raise OtherwiseBuiltError("JPEG 2000")
        segments, data = _header(frame, at + 12, SOD)
        # Of a stream that was cut short what there is of its last tile-part.
        end = at + stated if stated else _end(frame, data)
        if end < data + 2:
            raise OtherwiseBuiltError("JPEG 2000")
        kept = b"".join(s for s in segments if s[1] != COM)
        shorter = data - at - 12 - len(kept)
        changed |= shorter > 0
        length = (stated - shorter if stated else 0).to_bytes(4, "big")
        parts.append(frame[at : at + 6] + length + frame[at + 10 : at + 12] + kept + frame[data:end])
        at = end
    if not parts or (at < len(frame) and frame[at : at + 2] != EOC):
        raise OtherwiseBuiltError("JPEG 2000")
    kept = b"".join(s for s in main if s[1] != COM and not (changed and s[1] == TLM))
    return frame[:2] + kept + b"".join(parts) + (EOC if at < len(frame) else b"")


def _header(frame: bytes, at: int, last: bytes) -> tuple[list[bytes], int]:
    """The marker segments from ``at`` on, and where the marker ``last`` stands that ends them."""
    segments = []
    while frame[at : at + 2] != last:
        end = at + 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
        if at + 4 > len(frame) or frame[at] != 0xFF or not at + 4 <= end <= len(frame):
            raise OtherwiseBuiltError("JPEG 2000")
        segments.append(frame[at:end])
        at = end
    return segments, at


def _end(frame: bytes, data: int) -> int:
    """Where the last tile-part ends that states no length and whose packets begin at ``data``: at the end marker."""
    # No marker above FF8F occurs in packet data (T.800 B.10.1), so the first one is the real one.
    at = frame.find(EOC, data)
    return at if at >= 0 else len(frame)
