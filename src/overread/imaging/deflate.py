"""The decompressor of gzip and zlib streams: ISA-L where the package `isal` is installed, else zlib; one interface."""

from __future__ import annotations

import zlib
from typing import Any

GZIP = 31
"""``wbits`` for a gzip header."""
GZIP_OR_ZLIB = 47
"""``wbits`` for either header."""
RATIO = 1100
"""No deflate stream unpacks to more than 1032 times its size."""


def decompressobj(wbits: int) -> Any:
    """As `zlib.decompressobj`. Its errors are not only `zlib.error`."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib.decompressobj(wbits)
    return isal_zlib.decompressobj(wbits)
