"""A passphrase's envelope: what it holds is read by nobody without the passphrase, and altered unnoticed by nobody.

AES-256-GCM (NIST SP 800-38D) under a key that scrypt (RFC 7914) makes of the passphrase; as JSON, with the name of what
is inside bound in.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from typing import Any

from overread.errors import InputError

SCRYPT = {"n": 2**15, "r": 8, "p": 3}
"""Cost of a new envelope: 32 MiB and a quarter of a second (OWASP, Password Storage)."""
LARGEST = {"n": 2**20, "r": 32, "p": 16}
"""The most that an envelope may ask for when it is opened, each by itself; and together `MOST_BYTES`."""
MOST_BYTES = 2**30


def seal(plain: bytes, passphrase: str, *, what: str) -> dict[str, Any]:
    """The envelope of ``plain``, as JSON values. Raises InputError for an empty passphrase."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not passphrase:
        raise InputError("the passphrase is empty; give one of several words")
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    sealed = AESGCM(_derive(passphrase, salt, SCRYPT)).encrypt(nonce, plain, what.encode())
    text = {"salt": salt, "nonce": nonce, "data": sealed}
    return {"format": what, "cipher": "AES-256-GCM", "kdf": "scrypt", **SCRYPT} | {
        k: base64.b64encode(v).decode() for k, v in text.items()
    }


def unseal(envelope: Mapping[str, Any], passphrase: str, where: str, *, what: str) -> bytes:
    """What `seal` was given. Raises InputError, which begins with ``where``: wrong passphrase, altered or damaged."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        salt, nonce, sealed = (base64.b64decode(envelope[k]) for k in ("salt", "nonce", "data"))
        cost = {k: int(envelope[k]) for k in SCRYPT}
        if any(cost[k] > most for k, most in LARGEST.items()) or 128 * cost["n"] * cost["r"] > MOST_BYTES:
            raise InputError(f"{where}: asks for more memory than any envelope of ours; the file was altered")
        return AESGCM(_derive(passphrase, salt, cost)).decrypt(nonce, sealed, what.encode())
    except InvalidTag as error:
        raise InputError(f"{where}: wrong passphrase, or the file was altered") from error
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{where}: is damaged; take it from a backup") from error


def _derive(passphrase: str, salt: bytes, cost: Mapping[str, int]) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=32, n=cost["n"], r=cost["r"], p=cost["p"]).derive(passphrase.encode())
