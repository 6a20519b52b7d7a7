"""Letters: what is sealed for several people, each of whom opens it alone, and nobody else.

The content is encrypted once under a random key (AES-256-GCM, NIST SP 800-38D); for every holder that key is wrapped
under X25519 with a key pair made for this letter (RFC 7748), HKDF-SHA256 (RFC 5869) and AES-256-GCM.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from typing import Any

from overread.errors import InputError
from overread.keys.card import Card, raw
from overread.keys.ring import Person

FORMAT = "overread.letter 1"


def seal_letter(plain: bytes, holders: Sequence[Card], *, what: str) -> dict[str, Any]:
    """``plain`` for ``holders``, as JSON values; ``what`` it is, is bound in.

    Raises InputError without a holder, or for one whose key was revoked.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not holders:
        raise InputError("a sealed letter needs somebody who can open it: name one or more holders of keys")
    gone = next((c for c in holders if c.revoked is not None), None)
    if gone is not None:
        raise InputError(
            f"{gone.name}'s key {gone.id} was revoked, so that it would open nothing; name another holder"
        )
    key, nonce, own = AESGCM.generate_key(256), os.urandom(12), X25519PrivateKey.generate()
    public = own.public_key().public_bytes_raw()
    return {
        "format": FORMAT,
        "what": what,
        "cipher": "AES-256-GCM, key wrapped by X25519, HKDF-SHA256 and AES-256-GCM",
        "ephemeral": _text(public),
        "holders": [
            {"name": c.name, "key": c.id, "wrapped": _wrap(key, _exchange(own, raw(c.sealing), public, c.id))}
            for c in holders
        ],
        "nonce": _text(nonce),
        "data": _text(AESGCM(key).encrypt(nonce, plain, what.encode())),
    }


def open_letter(letter: Mapping[str, Any], person: Person, where: str, *, what: str) -> bytes:
    """What was sealed. Raises InputError, which begins with ``where``: not for this person, altered or damaged."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    card = person.card
    try:
        mine = next((h for h in letter["holders"] if h["key"] == card.id), None)
        if mine is None:
            names = ", ".join(str(h["name"]) for h in letter["holders"])
            raise InputError(
                f"{where}: is sealed for {names}, not for {card.name}'s key {card.id}. If none of these keys is left, "
                "what is in it is lost"
            )
        public = base64.b64decode(letter["ephemeral"])
        shared = _exchange(X25519PrivateKey.from_private_bytes(person.sealing), public, public, card.id)
        wrapped = base64.b64decode(mine["wrapped"])
        key = AESGCM(shared).decrypt(wrapped[:12], wrapped[12:], None)
        return AESGCM(key).decrypt(
            base64.b64decode(letter["nonce"]), base64.b64decode(letter["data"]), what.encode()
        )
    except InvalidTag as error:
        raise InputError(f"{where}: was altered, and cannot be opened; take it from a backup") from error
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{where}: is damaged; take it from a backup") from error


def _exchange(private: Any, public: bytes, ephemeral: bytes, holder: str) -> bytes:
    """The key that both sides derive: of the exchange, the letter's own public key and the holder's id."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    shared = private.exchange(X25519PublicKey.from_public_bytes(public))
    return HKDF(SHA256(), 32, salt=ephemeral, info=f"{FORMAT} {holder}".encode()).derive(shared)


def _wrap(key: bytes, shared: bytes) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(12)
    return _text(nonce + AESGCM(shared).encrypt(nonce, key, None))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
