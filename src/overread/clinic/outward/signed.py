"""Signatures of messages, so that a receiver knows who sent them and that nothing was changed.

``t=SECONDS,v1=HEX``: HMAC-SHA256 (RFC 2104) over ``SECONDS.BODY`` by the shared secret. A receiver refuses old times,
so that a message that was overheard cannot be played again.
"""

from __future__ import annotations

import hashlib
import hmac

HEADER = "X-Overread-Signature"


def sign(body: bytes, secret: bytes, seconds: int) -> str:
    """The signature of ``body`` at a time in seconds since 1970."""
    return f"t={seconds},v1={_code(body, secret, seconds)}"


def verify(body: bytes, secret: bytes, signature: str, *, now: int, tolerance: int = 300) -> bool:
    """Whether a signature fits, and is not older or younger than ``tolerance`` seconds."""
    parts = dict(part.partition("=")[::2] for part in signature.split(","))
    seconds = parts.get("t", "")
    if not seconds.isdecimal() or abs(now - int(seconds)) > tolerance:
        return False
    return hmac.compare_digest(parts.get("v1", ""), _code(body, secret, int(seconds)))


def _code(body: bytes, secret: bytes, seconds: int) -> str:
    return hmac.new(secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
