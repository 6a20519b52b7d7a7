"""RLE Lossless without what stands behind the runs that a decoder needs, or between its segments.

Source: PS3.5 annex G (header of 64 bytes: count and 15 offsets; PackBits).
"""

from __future__ import annotations

import struct

from overread.deidentify.streams.errors import OtherwiseBuiltError

HEADER = 64
MOST_SEGMENTS = 15


def clean_rle(frame: bytes, plane: int) -> bytes:
    """The segments cut where each has given its ``plane`` bytes (rows times columns), and packed one behind the other.

    Raises OtherwiseBuiltError.
    """
    if len(frame) < HEADER:
        raise OtherwiseBuiltError("RLE")
    count, *offsets = struct.unpack("<16L", frame[:HEADER])
    if not 1 <= count <= MOST_SEGMENTS or plane < 1:
        raise OtherwiseBuiltError("RLE")
    starts = offsets[:count]
    ends = [*starts[1:], len(frame)]
    if starts[0] != HEADER or any(a >= b for a, b in zip(starts, ends, strict=True)):
        raise OtherwiseBuiltError("RLE")
    segments = []
    for start, end in zip(starts, ends, strict=True):
        segment = frame[start : _last_run(frame, start, end, plane)]
        # Each segment has an even number of bytes (annex G.5).
        segments.append(segment + b"\0" * (len(segment) % 2))
    places = [HEADER]
    for segment in segments[:-1]:
        places.append(places[-1] + len(segment))
    head = struct.pack("<16L", count, *places, *[0] * (MOST_SEGMENTS - count))
    return head + b"".join(segments)


def _last_run(frame: bytes, at: int, end: int, wanted: int) -> int:
    """Where the run ends that fills up ``wanted`` bytes."""
    held = 0
    while held < wanted:
        if at >= end:
            raise OtherwiseBuiltError("RLE")
        control = frame[at]
        if control < 128:
            held += control + 1
            at += control + 2
        elif control > 128:
            held += 257 - control
            at += 2
        else:
            at += 1
    if at > end:
        raise OtherwiseBuiltError("RLE")
    return at
