"""A person's card: name, roles and public keys. It is no secret; who has it can check signatures and seal letters."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import datetime
from typing import Literal

from pydantic import Field, field_validator

from overread.settings import PlainName, Strict

Role = Literal["analyst", "reviewer", "quality"]
ROLES: dict[Role, str] = {
    "analyst": "trains and locks",
    "reviewer": "reviews what others did",
    "quality": "approves, and decides on warnings",
}
"""What people may be, and what it lets them do."""
FORMAT: Literal["overread.person 1"] = "overread.person 1"


class Revoked(Strict):
    """Since when a key counts no more, and why; what was signed before still counts."""

    time: datetime
    reason: str


class Card(Strict):
    """The public part of a person's keys. ``id``: the first 16 hexadecimal digits of the SHA-256 of ``signing``.

    ``signing`` (Ed25519) and ``sealing`` (X25519) are raw public keys of 32 bytes in base64.
    """

    format: Literal["overread.person 1"] = FORMAT
    name: PlainName
    roles: list[Role] = Field(min_length=1)
    id: str = ""
    signing: str
    sealing: str
    created: datetime
    revoked: Revoked | None = None

    @field_validator("signing", "sealing")
    @classmethod
    def _raw(cls, value: str) -> str:
        raw(value)
        return value

    def model_post_init(self, context: object) -> None:
        """Fill in the id. Raises ValueError where another is stated."""
        found = key_id(self.signing)
        if self.id not in ("", found):
            raise ValueError(f"id: found {self.id!r}, expected {found}, as the public key has it")
        object.__setattr__(self, "id", found)


def raw(text: str) -> bytes:
    """The 32 bytes of a public key in base64. Raises ValueError."""
    try:
        found = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"found {text[:20]!r}, expected a public key in base64") from error
    if len(found) != 32:
        raise ValueError(f"found {len(found)} bytes, expected a public key of 32 in base64")
    return found


def key_id(signing: str) -> str:
    """Of a public signing key in base64, the name by which documents call it."""
    return hashlib.sha256(raw(signing)).hexdigest()[:16]
