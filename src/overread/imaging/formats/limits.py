"""How large an image may be that is read at once: a bound in bytes, so that a short file cannot ask for all memory."""

from __future__ import annotations

import os

from overread.errors import InputError

SETTING = "OVERREAD_LARGEST_IMAGE"
"""Environment variable: GiB of the largest image, as its voxels are stored, unpacked."""
USUAL = 8.0


def largest_image() -> int:
    """Bytes of the largest image that is read at once. Raises InputError where the setting is no number above 0."""
    given = os.environ.get(SETTING, "").strip()
    try:
        size = float(given) if given else USUAL
    except ValueError:
        size = 0.0
    if not 0 < size < 1 << 20:
        raise InputError(f"{SETTING} is {given!a}, expected GiB of the largest image to be read, such as 32")
    return int(size * (1 << 30))


def check_largest(where: object, size: int, what: str) -> None:
    """Raise InputError where ``what``, which takes ``size`` bytes unpacked, is larger than is accepted."""
    limit = largest_image()
    if size > limit:
        raise InputError(
            f"{where}: {what} take {size / (1 << 30):.1f} GiB, more than the {limit / (1 << 30):g} GiB that are read "
            f"at once; cut or resample the image, or set {SETTING} (GiB) higher where there is the memory"
        )
