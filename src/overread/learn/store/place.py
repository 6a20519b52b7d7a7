"""Where prepared cases lie, and how much room they may take."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from overread.errors import InputError

FOLDER = "OVERREAD_CACHE"
LIMIT = "OVERREAD_CACHE_LIMIT"
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def default_root() -> Path:
    """The folder that ``OVERREAD_CACHE`` names, or ``overread`` in ``XDG_CACHE_HOME``, or ``~/.cache/overread``."""
    if named := os.environ.get(FOLDER):
        return Path(named).expanduser().absolute()
    caches = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG Base Directory Specification 0.8: relative paths are to be ignored.
    base = Path(caches) if caches.startswith("/") else Path.home() / ".cache"
    return base / "overread"


def default_limit(root: Path, used: int) -> int:
    """Bytes that ``OVERREAD_CACHE_LIMIT`` allows (``50G``), or half of what is free on the disk or ``used`` already.

    Raises InputError for what is no size.
    """
    if named := os.environ.get(LIMIT):
        return parse_size(named, LIMIT)
    return (shutil.disk_usage(root).free + used) // 2


def parse_size(text: str, where: str) -> int:
    """Bytes in ``text``, such as ``500M``, ``50G`` or ``1.5TiB``. Raises InputError that begins with ``where``."""
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)(?:i?B)?\s*", text, re.IGNORECASE)
    if not found:
        raise InputError(f"{where}: found {text!r}, expected a size such as 500M, 50G or 1.5T")
    return int(float(found[1]) * UNITS[found[2].upper()])


def in_words(size: float) -> str:
    """Bytes for a person: 2.5 GiB."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
