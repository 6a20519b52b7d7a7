"""UIDs that a run always gets again: the same run makes the same objects, so sending twice stores once."""

from __future__ import annotations

import hashlib
import uuid

from pydicom.uid import UID


def derived_uid(*parts: str) -> UID:
    """A UID under 2.25 (PS3.5 annex B.2) from a name-based UUID over ``parts``."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return UID(f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}")
