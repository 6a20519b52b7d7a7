"""Signatures: a statement, who made it and what it means, under Ed25519 (RFC 8032).

What is signed is text, kept as it was signed, so that anybody can check it with openssl: name, time and meaning stand
in the signed text itself (21 CFR 11.50), and so does the hash of what was signed (11.70).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from overread.files import canonical_json
from overread.keys.card import Card, key_id, raw
from overread.keys.meanings import MEANINGS
from overread.keys.ring import Person


@dataclass(frozen=True)
class Signature:
    """``statement``: the signed text, canonical JSON; ``key``: raw public key, ``value``: signature, both in base64."""

    statement: str
    key: str
    value: str

    @property
    def said(self) -> dict[str, Any]:
        """The statement, parsed: name, role, key, time, meaning and what was signed."""
        content: dict[str, Any] = json.loads(self.statement)
        return content

    def as_dict(self) -> dict[str, str]:
        """For a ledger or a file."""
        return {"statement": self.statement, "key": self.key, "value": self.value}

    @classmethod
    def of(cls, content: Any) -> Signature | None:
        """The signature that `as_dict` gave; None for anything else."""
        fields = ("statement", "key", "value")
        if not isinstance(content, Mapping) or not all(isinstance(content.get(k), str) for k in fields):
            return None
        return cls(*(str(content[k]) for k in fields))

    def fault(self) -> str:
        """What is wrong with it in itself; empty for a sound one."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            said, public = self.said, raw(self.key)
            Ed25519PublicKey.from_public_bytes(public).verify(
                base64.b64decode(self.value), self.statement.encode()
            )
        except InvalidSignature:
            return "the signature is not of this text and key"
        except (ValueError, TypeError) as error:
            return f"is damaged ({error})"
        if canonical_json(said) != self.statement:
            return "the text is not in canonical form, so that it can be read in more than one way"
        if not isinstance(said, dict) or said.get("key") != key_id(self.key):
            return "the text names another key than the one that signed it"
        return ""

    def pem(self) -> str:
        """The public key as openssl reads it."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        public = Ed25519PublicKey.from_public_bytes(raw(self.key))
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def sign(
    person: Person, *, meaning: str, what: Mapping[str, Any], role: str = "", comment: str = ""
) -> Signature:
    """A person's signature under ``what``, with the time of now; ``role`` is the first of theirs without it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    card = person.card
    statement = canonical_json(
        {
            "name": card.name,
            "role": role or card.roles[0],
            "key": card.id,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "meaning": meaning,
            "comment": comment,
            **what,
        }
    )
    value = Ed25519PrivateKey.from_private_bytes(person.signing).sign(statement.encode())
    return Signature(statement, card.signing, base64.b64encode(value).decode())


def _before(stated: Any, moment: datetime) -> bool:
    """Whether a time is stated, with its offset from UTC, and lies before ``moment`` (UTC where it has no offset)."""
    try:
        time = datetime.fromisoformat(str(stated))
    except ValueError:
        return False
    limit = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return time.tzinfo is not None and time < limit


def standing(signature: Signature, known: Mapping[str, Card]) -> str:
    """What this machine's ``known`` cards, by id, say of who signed; empty where the key is known and counted then."""
    said = signature.said
    card = known.get(key_id(signature.key))
    if card is None:
        return f"key {key_id(signature.key)} is not in this keyring, so that its name is only claimed"
    if card.name != said.get("name") or said.get("role") not in card.roles:
        return f"key {card.id} belongs to {card.name} ({', '.join(card.roles)})"
    if said.get("role") not in MEANINGS.get(str(said.get("meaning")), card.roles):
        return f"{said.get('meaning')!r} is signed by nobody as {said.get('role')}"
    if card.revoked is not None and not _before(said.get("time"), card.revoked.time):
        return f"key {card.id} was revoked on {card.revoked.time:%Y-%m-%d} ({card.revoked.reason})"
    return ""
