"""What prepares a case, as a hash: another version of it never meets what this one kept."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from pathlib import Path

import overread
from overread.files import canonical_json, sha256_bytes, sha256_file

ROOMS = (
    "imaging",
    "runtime/preprocess.py",
    "runtime/manifest.py",
    "cohort/load.py",
    "cohort/truth",
    "learn/tasks",
    "learn/store/coding.py",
    "learn/store/bricks.py",
    "learn/store/entry.py",
)
LIBRARIES = (
    "numpy",
    "scipy",
    "pillow",
    "nibabel",
    "pydicom",
    "pynrrd",
    "tifffile",
    "connected-components-3d",
)


@cache
def code_version() -> str:
    """SHA-256 of the code that reads and prepares, and of the versions of the libraries that it does it with.

    A number to be raised by hand would be forgotten.
    """
    root = Path(overread.__file__).parent
    files = sorted(
        f
        for room in ROOMS
        for f in ((root / room).rglob("*.py") if (root / room).is_dir() else [root / room])
    )
    code = {f.relative_to(root).as_posix(): sha256_file(f) for f in files}
    return sha256_bytes(canonical_json([code, {name: version(name) for name in LIBRARIES}]).encode())
