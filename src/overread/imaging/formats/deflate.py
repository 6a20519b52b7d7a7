"""What the readers of gzip and zlib streams share. ISA-L inflates in half of zlib's time."""

from __future__ import annotations

GZIP = 31
"""``wbits`` for a gzip header."""
GZIP_OR_ZLIB = 47
"""``wbits`` for either header."""
RATIO = 1100
"""No deflate stream unpacks to more than 1032 times its size."""
