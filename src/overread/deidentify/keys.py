"""The secret key, and the identifiers, pseudonyms and date offsets that it gives.

The same key gives the same result on every machine and in every run, so that studies that arrive later fit those
already there. Without the key nothing can be computed back or forth.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from overread.errors import InputError
from overread.files import fsync_folder

KEY_BYTES = 32
MOST_DAYS = 3650
"""Dates go back by 1 to this many days."""


class Key:
    """32 secret bytes; every result is an HMAC-SHA256 (RFC 2104) of what it replaces, one use apart from another."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise InputError(
                f"the key has {len(secret)} bytes, expected {KEY_BYTES}; give the key file unchanged"
            )
        self._secret = secret

    def __repr__(self) -> str:
        return f"Key({self.fingerprint})"

    def _mac(self, use: str, value: str) -> bytes:
        return hmac.new(self._secret, f"overread:{use}:{value}".encode(), hashlib.sha256).digest()

    @property
    def fingerprint(self) -> str:
        """Tells whether two keys are the same, and nothing else about them."""
        return self._mac("check", "").hex()[:16]

    def seal(self, text: str) -> str:
        """Tells whether two texts are the same, to those who have the key."""
        return self._mac("seal", text).hex()[:16]

    def uid(self, uid: str) -> str:
        """The UID that stands for ``uid``: 128 bits under 2.25 (PS3.5 B.2)."""
        return f"2.25.{int.from_bytes(self._mac('uid', uid)[:16], 'big')}"

    def pseudonym(self, patient: str) -> str:
        """Sixteen letters and digits that stand for a patient, as ``P-7K3Q...``."""
        return "P-" + base64.b32encode(self._mac("patient", patient)[:10]).decode()

    def days(self, patient: str) -> int:
        """How many days the dates of a patient go back: 1 to `MOST_DAYS`."""
        return 1 + int.from_bytes(self._mac("days", patient)[:8], "big") % MOST_DAYS


def load_key(path: Path) -> Key:
    """The key in the file ``path``; where there is none, a new one is made there, readable by its owner only.

    Raises
    ------
    InputError
        The file is not a key.
    """
    path = Path(path)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        new = secrets.token_bytes(KEY_BYTES)
        try:
            # Exclusive: a key that another run makes at this moment is never overwritten.
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(fd, "wb") as f:
                f.write(new)
                f.flush()
                os.fsync(fd)
            fsync_folder(path.parent)
    if not path.is_file():
        raise InputError(f"{path}: not a file; name a key file, or a new name for one to be made")
    secret = path.read_bytes()[: 4 * KEY_BYTES]
    if len(secret) != KEY_BYTES:
        raise InputError(
            f"{path}: not a key ({len(secret)} bytes, expected {KEY_BYTES}); name the right file"
        )
    return Key(secret)
